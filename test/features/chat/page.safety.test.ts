import type { Browser } from 'playwright-core';
import { request } from 'undici';
import { faint as faintIn, focused as focusedIn, openBrowser, openLine } from '../../support/browser';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp, type TestApp } from '../../support/wires';
import { Person } from './browser';

// The page at /chat is for everybody: it is safe from what others write, needs no mouse, can be read in the dark and on a
// small screen, and works behind a proxy.

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const parts = ['page.js', 'composer.js', 'log.js', 'outbox.js', 'people.js', 'session.js', 'users.js'];

let database: TestDatabase;
let app: TestApp;
let browser: Browser;
const here: Person[] = [];

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  app = await openApp(database.url, { CHAT_TCP_ENABLED: 'false' });
  browser = await openBrowser();
});
afterEach(async () => {
  const problems = here.flatMap((person) => person.problems);
  await Promise.all(here.splice(0).map(({ page }) => page.context().close()));
  expect(problems).toEqual([]);
});
afterAll(async () => {
  await browser.close();
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function open(options: Parameters<typeof Person.open>[2] = {}, url = app.url): Promise<Person> {
  const person = await Person.open(browser, url, options);
  here.push(person);
  return person;
}

async function join(name: string, room: string): Promise<Person> {
  const person = await open();
  await person.join(name, room);
  return person;
}

test.each([
  ['/chat', 'text/html'],
  ['/chat/page.css', 'text/css'],
  ...parts.map((part): [string, string] => [`/chat/${part}`, 'text/javascript']),
])('%s may do nothing but what it needs, and is sent again only when it has changed', async (path, type) => {
  const { statusCode, headers, body } = await request(app.url + path);
  expect([statusCode, headers['content-type'], (await body.text()).length > 100]).toEqual([
    200,
    `${type}; charset=utf-8`,
    true,
  ]);
  expect(headers).toMatchObject({ 'content-security-policy': policy, 'cache-control': 'no-cache' });
  expect(headers['x-content-type-options']).toBe('nosniff');
  for (const tag of [String(headers.etag), `"other", W/${headers.etag}`]) {
    const again = await request(app.url + path, { headers: { 'if-none-match': tag } });
    expect([again.statusCode, again.headers.etag, await again.body.text()]).toEqual([304, headers.etag, '']);
  }
  const other = await request(app.url + path, { headers: { 'if-none-match': '"other"' } });
  expect([other.statusCode, (await other.body.text()).length > 100]).toEqual([200, true]);
});

test('no name and no text becomes a part of the page', async () => {
  const markup = '<img src=x onerror="document.title=1"><script>document.title=2</script>&lt;b&gt;';
  const ada = await open();
  // The server lets nobody have such a name: another server might.
  await ada.page.routeWebSocket(/\/chat\/ws$/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((frame) => socket.send(String(frame).replaceAll('mallory', JSON.stringify(markup).slice(1, -1))));
  });
  await ada.page.reload();
  await ada.join('ada', 'markup');
  const mallory = await join('mallory', 'markup');
  await mallory.say(markup, `/w ada ${markup}`, '/w <b>nobody</b> hello');
  await ada.hears(markup);
  await ada.sees(['ada', markup]);
  await eventually(async () =>
    expect(await ada.messages()).toEqual([`${markup}: ${markup}`, `${markup}: [Whisper to you] ${markup}`]),
  );
  await ada.page.getByRole('button', { name: `Whisper to ${markup}` }).click();
  expect(await ada.page.locator('label[for=text]').textContent()).toBe(`Whisper to ${markup}`);
  for (const { page } of [ada, mallory])
    expect([await page.title(), await page.locator('main img, main script, main b, aside img').count()]).toEqual([
      '#markup - Aerie chat',
      0,
    ]);
});

const focused = ({ page }: Person): Promise<string> => focusedIn(page);
const faint = ({ page }: Person): Promise<string[]> => faintIn(page);

test('everything can be done with the keyboard, and what has the focus can be seen', async () => {
  const [bob, ada] = [await join('bob', 'keys'), await open()];
  const { keyboard } = ada.page;
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await keyboard.press(key);
  };
  await keyboard.type('ada');
  await press('Tab');
  await keyboard.type('keys');
  await press('Tab', 'Tab');
  expect(await focused(ada)).toBe('join-button');
  await press('Enter');
  await ada.sees(['ada', 'bob']);
  expect(await focused(ada)).toBe('text');
  await keyboard.type('Hello');
  await press('Enter');
  await bob.hears('Hello');
  for (const next of ['Send', 'Whisper to bob', 'page', 'keys, change room', 'leave', 'Conversation', 'text']) {
    await press('Tab');
    expect(await focused(ada)).toBe(next);
  }
  await press('Tab', 'Tab', 'Enter');
  expect(await focused(ada)).toBe('text');
  await keyboard.type('psst');
  await press('Enter', 'Escape');
  await bob.hears('psst');
  await press('Shift+Tab', 'Shift+Tab', 'Shift+Tab', 'Enter');
  await ada.page.getByRole('dialog').waitFor();
  await press('Escape');
  expect(await focused(ada)).toBe('keys, change room');
  await press('Enter');
  await keyboard.type('keys2');
  await press('Enter');
  await ada.sees(['ada']);
  expect(await focused(ada)).toBe('text');
  await keyboard.type('/exit');
  await press('Enter');
  await eventually(async () => expect(await focused(ada)).toBe('join-name'));
  expect(await bob.messages()).toEqual(['ada: Hello', 'ada: [Whisper to you] psst']);
});

test.each(['light', 'dark'] as const)(
  'in the %s every text has contrast, and a small screen is wide enough',
  async (colorScheme) => {
    const room = `look-${colorScheme}`;
    const bob = await join('bob', room);
    await bob.say('deleted', 'w'.repeat(512));
    await bob.hears('w'.repeat(512));
    await (await request(`${app.url}/chat/messages/1?room=${room}`, { method: 'DELETE' })).body.dump();
    const ada = await open({ colorScheme, viewport: { width: 360, height: 640 } });
    expect(await faint(ada)).toEqual([]);
    await ada.join('ada-with-16-char', room);
    await ada.say('mine', '/w bob whispered', '/w nobody failed');
    await ada.alert.waitFor();
    await bob.say('/w ada-with-16-char whispered back');
    await ada.hears('whispered back');
    await ada.text.fill('x'.repeat(500));
    const overflow = (): Promise<number> => ada.page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect([await faint(ada), await overflow()]).toEqual([[], 0]);
    await ada.page.getByRole('button', { name: /^People/ }).click();
    await ada.page.getByRole('button', { name: 'Whisper to bob' }).click();
    expect([await faint(ada), await overflow()]).toEqual([[], 0]);
  },
);

/** How far the log is from its end. */
function rest({ log }: Person): Promise<number> {
  return log.evaluate((node) => Math.round(node.scrollHeight - node.scrollTop - node.clientHeight));
}

test('the log stays at its end while it is there; else it says how many messages are new', async () => {
  const [ada, bob] = [await join('ada', 'scroll'), await join('bob', 'scroll')];
  await bob.say(...Array.from({ length: 30 }, (_, i) => `line ${i}`));
  await ada.hears('line 29');
  await eventually(async () => expect(await rest(ada)).toBe(0));
  await ada.log.focus();
  const goUp = async (): Promise<void> => {
    await ada.page.keyboard.press('Home');
    await eventually(async () => expect(await ada.log.evaluate((node) => node.scrollTop)).toBe(0));
  };
  await goUp();
  await bob.say('one more', 'two more');
  await ada.page.getByRole('button', { name: '2 new messages' }).press('Enter');
  await eventually(async () => expect(await rest(ada)).toBe(0));
  expect(await ada.page.locator('#to-end').isVisible()).toBe(false);
  await goUp();
  await ada.say('mine');
  await eventually(async () => expect(await rest(ada)).toBe(0));
});

test('the log stays at its end when messages fail, and say why', async () => {
  const ada = await open({ viewport: { width: 360, height: 640 } });
  await ada.page.routeWebSocket(/\/chat\/ws$/, (socket) => {
    const server = socket.connectToServer();
    // One after the other, so that the second one changes nothing but its own line.
    server.onMessage((frame) => void setTimeout(() => socket.send(frame), String(frame).includes('"error"') ? 500 : 0));
  });
  await ada.page.reload();
  await ada.join('spammer', 'failing');
  await ada.say(...Array.from({ length: 9 }, (_, i) => `line ${i}`));
  await ada.hears('line 8');
  const body = JSON.stringify({ name: 'spammer', seconds: 600, reason: 'spam '.repeat(40).trim() });
  const headers = { 'content-type': 'application/json' };
  await (await request(`${app.url}/chat/mutes`, { method: 'POST', headers, body })).body.dump();
  const again = ada.page.getByRole('button', { name: 'Try again' });
  const isAtEnd = (count: number): Promise<void> =>
    eventually(async () => expect([await again.count(), await rest(ada)]).toEqual([count, 0]));
  await ada.say('one', 'two');
  await isAtEnd(2);
  await again.last().click();
  await ada.log.getByText('sending').waitFor();
  await isAtEnd(2);
  // The end is elsewhere on a narrower screen.
  await ada.page.setViewportSize({ width: 320, height: 480 });
  await isAtEnd(2);
});

test('it works below the path of a proxy', async () => {
  await using line = await openLine(app.url);
  const ada = await open({}, `${line.url}/games`);
  await ada.join('ada', 'prefix');
  await ada.say('here');
  await eventually(async () => expect(await ada.messages()).toEqual(['You: here']));
});

test('where a token is required the page asks for it, and neither stores nor shows it', async () => {
  await using strict = await openApp(database.url, { CHAT_TCP_ENABLED: 'false', CHAT_AUTH: 'required' });
  const headers = { 'content-type': 'application/json' };
  const account = { name: 'Ada', email: 'page@example.com', password: 'correct horse' };
  const ask = async (path: string): Promise<Record<string, unknown>> => {
    const answer = await request(strict.url + path, { method: 'POST', headers, body: JSON.stringify(account) });
    return (await answer.body.json()) as Record<string, unknown>;
  };
  await ask('/auth/register');
  const { name: _, ...login } = account;
  const session = await request(`${strict.url}/auth/login`, { method: 'POST', headers, body: JSON.stringify(login) });
  const { accessToken } = (await session.body.json()) as { accessToken: string };
  const ada = await open({}, strict.url);
  await ada.page.keyboard.type('somebody');
  await ada.page.keyboard.press('Enter');
  await ada.alert.waitFor();
  expect(await focused(ada)).toBe('join-token');
  await ada.page.keyboard.insertText(accessToken);
  await ada.page.keyboard.press('Enter');
  await ada.sees(['Ada']);
  const kept = await ada.page.evaluate('[location.href, JSON.stringify({ ...localStorage, ...sessionStorage })]');
  expect(kept).toEqual([`${strict.url}/chat`, JSON.stringify({ 'aerie-chat': '{"name":"Ada","room":"lobby"}' })]);
});
