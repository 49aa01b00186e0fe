import type { Page } from 'playwright-core';
import { request } from 'undici';
import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import { faint, focused } from '../../support/browser';
import { eventually } from '../../support/eventually';
import { ask, cheat, giveUp, openSale, play } from './happenings';
import { account, app, internal, Operator, welcomeOperators } from './operators';

// The console is safe from what players have written, needs no mouse and no eyes, can be read in the dark and on a small screen.

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const markup = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
const letter = `evt-${'<b>'.repeat(3)}`;
let player = '';

welcomeOperators(async () => {
  player = (await account('player', '<b>Mallory</b>')).id;
  await play(app, player);
  await cheat(app, 'cheater-1');
  await ask(app, fairness, 'blockPlayer', { playerId: player, seconds: 3600, reason: markup });
  await giveUp(app, await play(app, 'letters-1'), markup);
  await openSale(app, 'grand-final', { title: markup });
});

const hashes = (): string[] => [
  ...['overview', `player/${player}`, 'player/cheater-1', 'flags', 'blocks', 'letters', 'rules', 'sales'],
  ...['sales/grand-final', 'system'],
];

/** Shows each view in turn, until nothing of it is still asked for. */
async function eachView(page: Page, look: (hash: string) => Promise<void>): Promise<void> {
  for (const hash of hashes()) {
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await page.locator(`nav [aria-current=page][href="#${hash.split('/')[0]}"]`).waitFor();
    await eventually(async () => expect(await page.locator('[aria-busy=true]').count()).toBe(0));
    await look(hash);
  }
}

test('the page and all that it loads may do nothing but what they need, and are sent again only when they have changed', async () => {
  const one = await Operator.come();
  const loaded = await one.page.evaluate<string[]>("performance.getEntriesByType('resource').map(({ name }) => name)");
  const paths = loaded.filter((url) => !url.startsWith('data:')).map((url) => new URL(url).pathname);
  for (const part of ['page.css', 'page.js', 'preact.js', 'htm.js', 'uplot.js'])
    expect(paths).toContain(`/console/${part}`);
  // Nothing comes from elsewhere.
  expect(loaded.filter((url) => !url.startsWith(app.url) && !url.startsWith('data:'))).toEqual([]);
  for (const path of ['/console', ...new Set(paths.filter((each) => each !== '/console/stats'))]) {
    const { statusCode, headers, body } = await request(app.url + path);
    expect([path, statusCode, (await body.text()).length > 50]).toEqual([path, 200, true]);
    expect(headers).toMatchObject({ 'content-security-policy': policy, 'cache-control': 'no-cache' });
    const again = await request(app.url + path, { headers: { 'if-none-match': String(headers.etag) } });
    expect([again.statusCode, await again.body.text()]).toEqual([304, '']);
  }
  expect(await one.page.locator('script:not([src]), style, [style], iframe').count()).toBe(0);
});

test('nothing that players have written becomes a part of the page', async () => {
  const one = await Operator.at('overview');
  await eachView(one.page, async () => {
    expect(await one.page.locator('main img, main script, main b').count()).toBe(0);
    expect(await one.page.title()).toMatch(/ - Aerie console$/);
  });
  const shows = async (hash: string, text: string): Promise<void> => {
    await one.page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await one.page.locator('main').getByText(text).first().waitFor();
  };
  await shows(`player/${player}`, '<b>Mallory</b>');
  await shows('blocks', markup);
  await shows('letters', markup);
  await shows('sales', markup);
  await shows(`player/${encodeURIComponent(letter)}`, letter);
  // A name in a question, and in what is said afterwards.
  await shows('blocks', markup);
  await one.button(`Unblock ${player}`).click();
  await one.dialog.getByRole('heading', { name: `Unblock ${player}` }).waitFor();
});

test('everything has a name and a role for those who do not see it', async () => {
  const one = await Operator.at('overview');
  await eachView(one.page, async (hash) => {
    const tree = await one.page.locator('body').ariaSnapshot();
    // A name is quoted, where there is one.
    expect([
      hash,
      tree.match(/^\s*- (button|link|textbox|combobox|radio|spinbutton|region|dialog)(?! ").*$/gm),
    ]).toEqual([hash, null]);
    expect(tree.match(/^- (banner|navigation "Views"|main)/gm)).toEqual(['- banner', '- navigation "Views"', '- main']);
    expect(tree.match(/heading ".*" \[level=1\]/g)).toHaveLength(1);
    const levels = await one.page
      .locator('h1, h2, h3')
      .evaluateAll((all) => all.map(({ tagName }) => Number(tagName[1])));
    expect(levels.every((level, i) => level - (levels[i - 1] ?? 0) <= 1)).toBe(true);
    const rowsWithout = await one.page.locator('td:not([role=cell]):not(.legend td)').count();
    expect(rowsWithout).toBe(0);
  });
});

/** What has the focus, as it is read out; with a mark where it cannot be seen. */
async function focusOf(page: Page): Promise<string> {
  const name = await page.evaluate<string>(
    '(({ labels, ariaLabel, textContent }) => (labels?.[0]?.textContent ?? ariaLabel ?? textContent).trim())(document.activeElement)',
  );
  return (await focused(page)).endsWith(' (unseen)') ? `${name} (unseen)` : name;
}

/** Keys, and what must have the focus after them. */
function keyboardOf({ page }: Operator) {
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const focusIs = (name: string): Promise<void> => eventually(async () => expect(await focusOf(page)).toBe(name));
  const type = (text: string): Promise<void> => page.keyboard.type(text);
  return { press, focusIs, type };
}

test('one signs in and goes from view to view with the keyboard', async () => {
  const one = await Operator.come();
  const { press, focusIs, type } = keyboardOf(one);
  await one.heading('Sign in').waitFor();
  await focusIs('Internal secret (INTERNAL_API_SECRET)');
  await press('Shift+Tab');
  await focusIs('Internal secret');
  await press('ArrowDown');
  await one.page.getByRole('textbox', { name: 'E-mail address' }).waitFor();
  await press('ArrowUp', 'Tab');
  await focusIs('Internal secret (INTERNAL_API_SECRET)');
  await type(internal);
  await press('Enter');
  // A heading is read out and looks as before.
  await focusIs('Overview (unseen)');
  await press('Shift+Tab');
  await focusIs('System');
  await press('Shift+Tab', 'Shift+Tab', 'Shift+Tab', 'Shift+Tab');
  await focusIs('Blocks');
  await press('Enter');
  await focusIs('Blocks (unseen)');
});

test('a question is asked and answered with the keyboard, what has the focus can be seen, and no place traps it', async () => {
  const one = await Operator.at('blocks');
  const { press, focusIs, type } = keyboardOf(one);
  await focusIs('Blocks (unseen)');
  await press('Tab');
  await focusIs('Block a player');
  await press('Enter');
  await focusIs('Player id');
  await press('Escape');
  await focusIs('Block a player');
  await press('Enter');
  await focusIs('Player id');
  for (const [text, next] of [
    ['keys-1', 'For'],
    ['', 'Reason'],
    ['by keyboard', 'Cancel'],
    ['', 'Block'],
  ] as const) {
    await type(text);
    await press('Tab');
    await focusIs(next);
  }
  await press('Enter');
  await one.said.getByText(/^keys-1 is blocked/).waitFor();
  await focusIs('Block a player');
  // Around the whole page and out of it.
  const seen = new Set<string>();
  for (let i = 0; i < 40; i += 1) {
    await press('Tab');
    seen.add(await focusOf(one.page));
  }
  for (const name of ['Skip to the content', 'Overview', 'Sign out', 'Unblock keys-1']) expect(seen).toContain(name);
  // The page itself has none.
  expect([...seen].filter((name) => / \(unseen\)$/.test(name) && name.length < 50)).toEqual([]);
});

test('a question that is asked before the browser has told that the last one was closed is asked', async () => {
  const one = await Operator.at('blocks');
  await one.button('Block a player').click();
  await one.dialog.getByLabel('Player id').fill('of the first');
  // In one task: "close" is told in a later one.
  const again = `document.querySelector('dialog').close();
    [...document.querySelectorAll('main button')].find((each) => each.textContent.trim() === 'Block a player').click()`;
  await one.page.evaluate(again);
  await one.page.evaluate('new Promise((told) => setTimeout(told))');
  await eventually(async () => expect(await focusOf(one.page)).toBe('Player id'));
  expect(await one.dialog.getByLabel('Player id').inputValue()).toBe('');
});

test.each([
  ['light', 'en-GB'],
  ['dark', 'ko-KR'],
] as const)('in the %s every text has contrast, and a small screen is wide enough', async (colorScheme, locale) => {
  const viewport = { width: 360, height: 640 };
  const one = await Operator.come({ colorScheme, locale, viewport, reducedMotion: 'reduce' });
  const looksWell = async (hash: string): Promise<void> => {
    const overflow = await one.page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect([hash, await faint(one.page), overflow]).toEqual([hash, [], 0]);
  };
  await one.page.locator('main.out').waitFor();
  await looksWell('');
  await one.signIn();
  await eachView(one.page, looksWell);
  const moving = `[...document.querySelectorAll('*')].filter((each) => getComputedStyle(each).transitionDuration !== '0s').length`;
  expect(await one.page.evaluate(moving)).toBe(0);
  await one.page.locator('main button.danger, main button').first().waitFor();
});

test('a dialog has contrast in both, and is small enough', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const one = await Operator.come(
      { colorScheme, viewport: { width: 360, height: 640 } },
      `${app.url}/console#blocks`,
    );
    await one.signIn();
    await one.button('Block a player').click();
    await one.dialog.getByRole('button', { name: 'Block' }).waitFor();
    expect((await faint(one.page)).filter((text) => text !== '')).toEqual([]);
    expect((await one.dialog.boundingBox())?.width).toBeLessThanOrEqual(360);
  }
});

test('the numbers of a quarter of an hour are kept, and of no more', async () => {
  const one = await Operator.at('overview');
  const kept = `import('/console/history.js').then(({ History }) => {
    const history = new History();
    for (let i = 0; i < 1000; i += 1) {
      const asOf = new Date(i * 3000).toISOString();
      history.add({ processId: 'a', process: 'a/1', asOf, events: i * 6 }, i * 3000);
    }
    history.miss(3_000_000);
    history.add({ processId: 'a', process: 'a/1', asOf: new Date(3_006_000).toISOString(), events: 6000 }, 3_006_000);
    const rates = history.rates(({ events }) => events);
    for (let i = 0; i < 100; i += 1) history.add({ processId: 'p' + i, process: 'p/1', asOf: new Date(0).toISOString() }, 3_006_000);
    return [rates.length, rates[0], rates[1], rates.at(-2), rates.at(-1).toFixed(2), history.processes.length];
  })`;
  const [length, ...rest] = await one.page.evaluate<unknown[]>(kept);
  expect(length).toBe(300);
  // None before the first, none in a gap, and after it what has come meanwhile.
  expect(rest).toEqual([null, 2, null, '0.67', 16]);
});
