import { eventually } from '../../support/eventually';
import { cheat, openSale } from './happenings';
import { internal, Operator, stopped, welcomeOperators } from './operators';

// The console behaves as its readers expect: their times, their language, their keys and their way back.

welcomeOperators(async (started) => {
  await cheat(started, 'cheater-1');
  await openSale(started, 'grand-final');
});

test('times are in UTC, wherever one is, and the page says so', async () => {
  const one = await Operator.at('sales', { timezoneId: 'Asia/Seoul' });
  await one.row('grand-final').getByText('1 Jan 2020, 00:00:00 UTC').waitFor();
  await one.page.getByText('Times are in UTC, as in logs and on the command line.').waitFor();
});

test('the axis of a chart has seconds where minutes would not tell its times apart', async () => {
  const one = await Operator.come({ timezoneId: 'Asia/Seoul' });
  await one.page.addInitScript(`
    window.written = [];
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
      window.written.push(text);
      return fillText.call(this, text, ...rest);
    };`);
  await one.page.reload();
  await one.stopTime();
  await one.signIn();
  let seconds = 0;
  // The server answers the same for a second.
  await one.page.route('**/console/stats', async (route) => {
    const stats = await (await route.fetch()).json();
    seconds += 3;
    await route.fulfill({ json: { ...stats, asOf: new Date(stopped + seconds * 1000).toISOString() } });
  });
  await one.look();
  await one.page.getByRole('table', { name: 'CPU of the process, in numbers' }).getByText(/^\d/).first().waitFor();
  // One point alone has days around it.
  await one.page.evaluate('window.written.splice(0)');
  for (let i = 0; i < 4; i += 1) await one.look();
  await eventually(async () => {
    const written = await one.page.evaluate<string[]>('window.written');
    expect(written).toContain('12:00:10');
  });
  await one.page.unrouteAll({ behavior: 'wait' });
  const times = (await one.page.evaluate<string[]>('window.written')).filter((text) => /^\d\d:/.test(text));
  expect(times.filter((text) => !/^12:00:\d\d$/.test(text))).toEqual([]);
  const clocks =
    "import('/console/words.js').then(({ clocks }) => [clocks([60_000, 120_000]), clocks([1000, 60_000]), clocks([])])";
  expect(await one.page.evaluate(clocks)).toEqual([['00:01', '00:02'], ['00:00:01', '00:01:00'], []]);
});

test('going back closes the question, also while nobody knows yet what became of it', async () => {
  const one = await Operator.at('sales');
  await one.go('Blocks');
  await one.button('Block a player').click();
  await one.dialog.getByLabel('Player id').fill('back-1');
  await one.page.goBack();
  await one.heading('Sales').waitFor();
  await eventually(async () => expect(await one.dialog.count()).toBe(0));
  await eventually(async () => expect(await one.page.locator(':focus').textContent()).toBe('Sales'));
  await one.go('Blocks');
  await one.button('Block a player').click();
  expect(await one.dialog.getByLabel('Player id').inputValue()).toBe('');
  await one.dialog.getByLabel('Player id').fill('back-1');
  await one.dialog.getByLabel('Reason').fill('rude');
  let refuse = (): void => undefined;
  const held = new Promise<void>((release) => {
    refuse = release;
  });
  await one.page.route('**/fairness/players/back-1/block', async (route) => {
    await held;
    await route.fulfill({ status: 503, json: { code: 'unavailable' } });
  });
  const sent = one.page.waitForRequest('**/fairness/players/back-1/block');
  await one.dialog.getByRole('button', { name: 'Block' }).click();
  await sent;
  await one.page.goBack();
  await eventually(async () => expect(await one.dialog.count()).toBe(0));
  refuse();
  await one.said.getByText(/^Block a player: The server cannot answer now/).waitFor();
  await one.page.unrouteAll({ behavior: 'wait' });
});

test('the language that was chosen is kept, and nothing else is', async () => {
  const one = await Operator.at('overview');
  await one.page.getByRole('combobox', { name: 'Language' }).selectOption('한국어');
  await one.heading('개요').waitFor();
  await one.page.reload();
  await one.heading('로그인').waitFor();
  await one.signIn();
  await one.heading('개요').waitFor();
  const kept = await one.page.evaluate('[JSON.stringify(localStorage), sessionStorage.length, document.cookie]');
  expect(kept).toEqual(['{"aerie.console.language":"ko"}', 0, '']);
});

test('a browser that keeps nothing shows the page all the same', async () => {
  const one = await Operator.come();
  await one.page.addInitScript(
    "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('kept from you', 'SecurityError'); } })",
  );
  await one.page.reload();
  await one.signIn();
  await one.page.getByRole('combobox', { name: 'Language' }).selectOption('한국어');
  await one.heading('개요').waitFor();
});

test('who signs in writes at once, and again after signing out', async () => {
  const one = await Operator.come();
  const field = one.page.getByLabel('Internal secret (INTERNAL_API_SECRET)');
  const hasFocus = () =>
    eventually(async () => expect(await field.evaluate((node) => node.matches(':focus'))).toBe(true));
  await hasFocus();
  await one.page.keyboard.type(internal);
  await one.page.keyboard.press('Enter');
  await one.heading('Overview').waitFor();
  await one.button('Sign out').click();
  await hasFocus();
});

test('in Korean a verdict is no word for OK', async () => {
  const one = await Operator.at('flags', { locale: 'ko-KR' });
  await one.button('위반 확정: cheater-1의 의심 기록').click();
  await one.dialog.getByRole('button', { name: '위반 확정' }).click();
  await one.said.getByText('판정되었습니다: 위반 확정.').waitFor();
});
