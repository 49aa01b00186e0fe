import { ulid } from 'ulid';
import { request } from 'undici';
import { faint as faintIn, focused as focusedIn, openLine } from '../../support/browser';
import { eventually } from '../../support/eventually';
import { app, open, welcomeVisitors } from './visiting';
import { as, bearer, openSale, type Visitor } from './visitors';

// The page of a sale is for everybody: it is safe from what others have written, needs no mouse and no eyes, can be read in
// the dark and on a small screen, and works behind a proxy.

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const scripts = [
  'account',
  'api',
  'chosen',
  'dom',
  'follow',
  'hold',
  'line',
  'page',
  'pay',
  'plan',
  'qr',
  'shop',
  'ticket',
];

welcomeVisitors();

test.each([
  ['/drops/any-sale', 'text/html'],
  ['/drops/page.css', 'text/css'],
  ...[...scripts, 'time', 'words'].map((part): [string, string] => [`/drops/${part}.js`, 'text/javascript']),
])('%s may do nothing but what it needs, and is sent again only when it has changed', async (path, type) => {
  const { statusCode, headers, body } = await request(app.url + path);
  expect([statusCode, headers['content-type'], (await body.text()).length > 100]).toEqual([
    ...[200, `${type}; charset=utf-8`, true],
  ]);
  expect(headers).toMatchObject({ 'content-security-policy': policy, 'cache-control': 'no-cache' });
  for (const tag of [String(headers.etag), `"other", W/${headers.etag}`]) {
    const again = await request(app.url + path, { headers: { 'if-none-match': tag } });
    expect([again.statusCode, await again.body.text()]).toEqual([304, '']);
  }
});

test('no title, section, seat or name becomes a part of the page', async () => {
  const markup = '<img src=x onerror="document.title=1"><script>document.title=2</script>&lt;b&gt;';
  const sections = [
    { sectionId: 'mallory', price: 0, seats: ['evil-1', 'evil-2'] },
    { sectionId: 'floor', price: 0, capacity: 5 },
  ];
  const saleId = await openSale(app, { title: markup, sections });
  const ada = await open(saleId);
  // The server lets no section and no seat have such a name: another server might.
  await ada.page.route(/\/(sales|reservations)/, async (route) => {
    if (route.request().url().endsWith('/stream')) return route.abort();
    const asked = route.request().postData()?.replaceAll(JSON.stringify(markup).slice(1, -1), 'mallory');
    const url = route.request().url().replace(encodeURIComponent(markup), 'mallory');
    const answer = await route.fetch({ url, ...(asked && { postData: asked.replaceAll('<b>-', 'evil-') }) });
    const told = (await answer.text()).replaceAll('mallory', JSON.stringify(markup).slice(1, -1));
    await route.fulfill({ response: answer, body: told.replaceAll('evil-', '<b>-') });
  });
  await ada.page.reload();
  await ada.heading(markup).waitFor();
  await ada.register('<b>Ada</b>');
  await ada.heading(markup).nth(1).waitFor();
  await ada.button(`Choose seats of ${markup}`).click();
  await ada.button('<b>-1, free').click();
  await ada.reserve();
  await ada.button('Get the ticket').click();
  await ada.heading('Your ticket').waitFor();
  expect(await ada.page.locator('.ticket .items').textContent()).toBe(`1 × ${markup}<b>-1`);
  expect(await ada.page.locator('#who-name').textContent()).toBe('<b>Ada</b>');
  expect(await ada.page.locator('main img, main script, main b, header b').count()).toBe(0);
  expect(await ada.page.title()).toBe(`${markup} - Aerie drops`);
  await ada.page.unrouteAll({ behavior: 'ignoreErrors' });
});

const focused = ({ page }: Visitor): Promise<string> => focusedIn(page);
const faint = ({ page }: Visitor): Promise<string[]> => faintIn(page);

/** Keys, and what must have the focus after them. */
function keyboardOf(visitor: Visitor) {
  const { keyboard } = visitor.page;
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await keyboard.press(key);
  };
  const focusIs = (name: string): Promise<void> => eventually(async () => expect(await focused(visitor)).toBe(name));
  const headingIs = (text: string): Promise<void> =>
    eventually(async () => expect(await visitor.page.locator(':focus').textContent()).toBe(text));
  const registers = async (): Promise<void> => {
    await press('Tab', 'Tab', 'Tab', 'Tab');
    await focusIs('account-switch');
    await press('Enter');
    for (const text of ['Ada', visitor.email, 'correct horse']) {
      await keyboard.type(text);
      await press(text.startsWith('correct') ? 'Enter' : 'Tab');
    }
  };
  return { press, focusIs, headingIs, registers };
}

test('everything can be done with the keyboard, what has the focus can be seen, and has a name', async () => {
  const sections = [
    { sectionId: 'floor', price: 100, capacity: 5 },
    { sectionId: 'box', price: 100, seats: ['A1', 'A2', 'B1', 'B2'] },
  ];
  const saleId = await openSale(app, { sections, queue: { activePlaces: 1, readySeconds: 600, grantSeconds: 600 } });
  const ada = await open(saleId);
  const { press, focusIs, headingIs, registers } = keyboardOf(ada);
  await ada.heading('Log in').waitFor();
  await registers();
  await headingIs('Waiting room');
  await press('Tab');
  await focusIs('line-join');
  await press('Enter');
  await focusIs('line-enter');
  await press('Enter');
  await headingIs('Choose');
  await ada.page.getByText('5 of 5 left').waitFor();
  for (const next of ['One fewer of floor', 'How many of floor', 'One more of floor']) {
    await press('Tab');
    expect(await focused(ada)).toBe(next);
  }
  await press('Enter', 'Tab', 'Enter');
  await ada.page.getByText('Arrow keys go from seat to seat').waitFor();
  await focusIs('Hide the seats of box');
  await press('Tab');
  const ways = { ArrowRight: 'A2', ArrowDown: 'B2', Home: 'B1', ArrowUp: 'A1', End: 'A2' };
  await focusIs('A1, free');
  for (const [key, seat] of Object.entries(ways)) {
    await press(key);
    expect(await focused(ada)).toBe(`${seat}, free`);
  }
  await press('Space');
  await focusIs('A2, chosen');
  await press('Tab');
  await focusIs('reserve');
  await press('Enter');
  await headingIs('Held for you');
  await press('Tab', 'Enter');
  await focusIs('pay-method');
  await press('Tab', 'Enter');
  await headingIs('Your ticket');
});

test('each part has a role and a name for those who do not see it', async () => {
  const sections = [
    { sectionId: 'floor', price: 100, capacity: 5 },
    { sectionId: 'box', price: 250, seats: ['A1', 'A2'] },
  ];
  const ada = await open(await openSale(app, { sections }));
  await ada.register();
  await ada.page.getByText('5 of 5 left').waitFor();
  await ada.button('Choose seats of box').click();
  await ada.seat('A1').click();
  const tree = await ada.page.locator('main').ariaSnapshot();
  for (const line of [
    '- heading "Grand final" [level=1]',
    '- list "Steps"',
    '- heading "Choose" [level=2]',
    '- region "floor"',
    '- spinbutton "How many of floor": "0"',
    '- button "One more of floor"',
    '- button "Hide the seats of box" [expanded]',
    '- group "Seats of box"',
    '- group "Row A"',
    '- button "A1, chosen" [pressed]',
    '- button "A2, free"',
    '- button "Reserve 1"',
  ])
    expect(tree).toContain(line);
  expect(await ada.page.locator('.steps [aria-current=step]').textContent()).toBe('Choose');
});

test.each(['light', 'dark'] as const)(
  'in the %s every text has contrast, and a small screen is wide enough',
  async (colorScheme) => {
    const seats = Array.from({ length: 60 }, (_, i) => `${'w'.repeat(29)}${i}`);
    const sections = [
      { sectionId: 'f'.repeat(64), price: 1_000_000_000, capacity: 2 },
      { sectionId: 'box', price: 0, seats },
    ];
    const queue = { activePlaces: 1, readySeconds: 600, grantSeconds: 600 };
    const ada = await open(await openSale(app, { title: 'w'.repeat(128), sections, queue }), {
      ...{ colorScheme, viewport: { width: 360, height: 640 } },
    });
    const looksWell = async (): Promise<void> => {
      const overflow = await ada.page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect([await faint(ada), overflow]).toEqual([[], 0]);
    };
    await ada.heading('Log in').waitFor();
    await looksWell();
    await ada.register('A'.repeat(64));
    await ada.heading('Waiting room').waitFor();
    await looksWell();
    await ada.button('Join the line').click();
    await ada.button('Enter the sale').waitFor();
    await looksWell();
    await ada.button('Enter the sale').click();
    await ada.choose('f'.repeat(64), 3);
    await ada.button('Choose seats of box').click();
    await ada.seat(String(seats[3])).click();
    await looksWell();
    await ada.reserve();
    await ada.button(/^Pay/).click();
    await ada.button(/now$/).waitFor();
    await looksWell();
    await ada.button(/now$/).click();
    await ada.heading('Your ticket').waitFor();
    await looksWell();
  },
);

test('a plan of 20,000 seats comes page by page, in rows, with one stop for Tab', async () => {
  const seats = Array.from({ length: 20_000 }, (_, i) => `S${i + 1}`);
  const saleId = await openSale(app, { sections: [{ sectionId: 'box', price: 0, seats }] });
  const ada = await open(saleId);
  await ada.register();
  await ada.page.getByText('Arrow keys go from seat to seat').waitFor();
  expect(await ada.page.locator('.plan .seat').count()).toBe(20_000);
  expect(await ada.page.locator('.plan .row').count()).toBe(200);
  expect(await ada.page.locator('.plan .seat[tabindex="0"]').count()).toBe(1);
  await ada.page.getByRole('group', { name: 'S19901 to S20000' }).waitFor({ state: 'attached' });
  await ada.seat('S19999').click();
  await ada.reserve();
  await ada.heading('Held for you').waitFor();
});

test('a ticket with more seats than a code can hold is offered as text', async () => {
  const seats = Array.from({ length: 100 }, (_, i) => `${'s'.repeat(29)}${String(i).padStart(3, '0')}`);
  const limits = { maxPerReservation: 100, maxPerUser: 100 };
  const saleId = await openSale(app, { ...limits, sections: [{ sectionId: 'box', price: 0, seats }] });
  const ada = await open(saleId);
  await ada.register();
  const token = await ada.page.evaluate<string>("JSON.parse(sessionStorage.getItem('aerie-session')).token");
  const { body } = await as(app, bearer(token), 'createReservation', {
    ...{ saleId, items: [{ sectionId: 'box', seatIds: seats }] },
  });
  await as(app, bearer(token), 'confirmReservation', { id: body.id });
  await ada.page.reload();
  await ada.page.getByText(/^This ticket has too many seats for a code that can be scanned/).waitFor();
  expect(await ada.page.locator('svg.qr').count()).toBe(0);
  await ada.button(`Copy ticket ${String(body.id)}`).waitFor();
});

test('it works below the path of a proxy', async () => {
  await using line = await openLine(app.url);
  const ada = await open(await openSale(app), {}, `${line.url}/games`);
  await ada.heading('Log in').waitFor();
  expect(await ada.page.title()).toBe('Grand final - Aerie drops');
});

test('what is stored is the session and the place in the line, in this tab alone', async () => {
  const saleId = await openSale(app, { queue: { activePlaces: 1, readySeconds: 600 } });
  const ada = await open(saleId);
  await ada.register(ulid());
  await ada.button('Join the line').click();
  await ada.button('Enter the sale').waitFor();
  const [keys, local] = await ada.page.evaluate<[string[], number]>(
    '[Object.keys(sessionStorage).map((key) => key.slice(0, 13)), localStorage.length]',
  );
  expect([keys.sort(), local]).toEqual([['aerie-line sa', 'aerie-session'], 0]);
});
