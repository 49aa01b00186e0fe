import type { Browser } from 'playwright-core';
import { request } from 'undici';
import { type Line, openBrowser, openLine } from '../../support/browser';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp, type TestApp } from '../../support/wires';
import { Person } from './browser';

// The connection of the page at /chat is cut, the server stops, refuses or drops what it has to tell: nothing is lost that
// can be had, nothing stands twice, and the person is told how it is.

const settings = { CHAT_TCP_ENABLED: 'false', TRUSTED_PROXIES: '127.0.0.1' };

let database: TestDatabase;
let app: TestApp;
let line: Line;
let browser: Browser;
const here: Person[] = [];

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  app = await openApp(database.url, settings);
  line = await openLine(app.url);
  browser = await openBrowser();
});
afterEach(async () => {
  line.up();
  const problems = here.flatMap((person) => person.problems);
  await Promise.all(here.splice(0).map(({ page }) => page.context().close()));
  expect(problems).toEqual([]);
});
afterAll(async () => {
  await browser.close();
  await line[Symbol.asyncDispose]();
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** Joins over the line that is cut, or with a connection of its own. */
async function join(name: string, room: string, url = line.url): Promise<Person> {
  const person = await Person.join(browser, url, name, room);
  here.push(person);
  return person;
}

/** Says this, each as from another address: one may say ten a second. */
async function post(room: string, texts: readonly string[]): Promise<void> {
  for (let from = 0; from < texts.length; from += 50) {
    const sent = texts.slice(from, from + 50).map(async (text, i) => {
      const headers = { 'content-type': 'application/json', 'x-forwarded-for': `10.0.${from / 50}.${i}` };
      const body = JSON.stringify({ name: 'poster', room, text });
      const answer = await request(`${app.url}/chat/messages`, { method: 'POST', headers, body });
      expect([answer.statusCode, await answer.body.text()]).toEqual([200, expect.any(String)]);
    });
    await Promise.all(sent);
  }
}

const numbered = (count: number, text = 'message'): string[] => Array.from({ length: count }, (_, i) => `${text} ${i}`);
const status = (person: Person) => person.page.getByRole('status').innerText();

test('a connection that is cut goes on where it ended: nothing is lost, and nothing stands twice', async () => {
  const [ada, bob] = [await join('ada', 'cut'), await join('bob', 'cut', app.url)];
  const said: string[] = [];
  for (const round of [1, 2, 3]) {
    await ada.say(`ada before ${round}`);
    await bob.hears(`ada before ${round}`);
    await bob.say(`bob before ${round}`);
    await ada.hears(`bob before ${round}`);
    line.down();
    await ada.page.getByRole('status').getByText('Reconnecting').waitFor();
    await ada.say(`ada during ${round}`, `ada again ${round}`);
    await bob.say(`bob during ${round}`);
    line.up();
    await bob.hears(`ada again ${round}`);
    await ada.hears(`bob during ${round}`);
    said.push(`ada before ${round}`, `bob before ${round}`, `bob during ${round}`);
    said.push(`ada during ${round}`, `ada again ${round}`);
  }
  const as = (name: string): string[] =>
    said.map((text) => `${text.startsWith(name) ? 'You' : text.slice(0, 3)}: ${text}`);
  await eventually(async () => expect(await bob.messages()).toEqual(as('bob')));
  await eventually(async () => expect(await ada.messages()).toEqual(as('ada')));
  await ada.sees(['ada', 'bob']);
});

test('a message whose answer was lost is not said twice', async () => {
  const [ada, bob] = [await join('ada', 'answer'), await join('bob', 'answer', app.url)];
  await ada.say('ready');
  // All that it has asked is answered by then.
  await ada.hears('ready');
  await ada.sees(['ada', 'bob']);
  line.deafen();
  await ada.say('once');
  await bob.hears('once');
  expect(await ada.messages()).toEqual(['You: ready', 'You: once (sending)']);
  line.cut();
  await eventually(async () => expect(await ada.messages()).toEqual(['You: ready', 'You: once']));
  await ada.say('after');
  await bob.hears('after');
  expect(await bob.messages()).toEqual(['ada: ready', 'ada: once', 'ada: after']);
});

test('what was deleted while the connection was cut is a tombstone after it, also what was said and not heard', async () => {
  const [ada, bob] = [await join('ada', 'buried'), await join('bob', 'buried', app.url)];
  await ada.say('mine', 'stays');
  await bob.hears('stays');
  await bob.say('his');
  await ada.hears('his');
  line.deafen();
  await ada.say('unheard');
  await bob.hears('unheard');
  for (const seq of [1, 3, 4]) {
    const { statusCode, body } = await request(`${app.url}/chat/messages/${seq}?room=buried`, { method: 'DELETE' });
    await body.dump();
    expect(statusCode).toBe(200);
  }
  line.cut();
  const gone = 'This message was deleted.';
  await eventually(async () =>
    expect(await ada.messages()).toEqual([`You: ${gone}`, 'You: stays', `bob: ${gone}`, `You: ${gone}`]),
  );
});

test('it goes on when the server is started again, and says that the conversation is a new one', async () => {
  const first = await openApp(database.url, settings);
  await using second = await openApp(database.url, settings);
  await using way = await openLine(first.url);
  const ada = await join('ada', 'restart', way.url);
  await ada.say('before');
  await ada.hears('before');
  await first[Symbol.asyncDispose]();
  await ada.page.getByRole('status').getByText('Reconnecting').waitFor();
  await ada.say('between');
  way.to(second.url);
  await ada.isConnected();
  await eventually(async () => expect(await ada.messages()).toEqual(['You: before', 'You: between']));
  expect((await ada.notes()).at(-1)).toMatch(/^The server has begun a new conversation/);
});

test('without a network it waits until there is one', async () => {
  const [ada, bob] = [await join('ada', 'offline'), await join('bob', 'offline', app.url)];
  await ada.page.context().setOffline(true);
  await eventually(async () => expect(await status(ada)).toBe('Offline'));
  await ada.say('later');
  await ada.page.context().setOffline(false);
  await bob.hears('later');
  await eventually(async () => expect(await status(ada)).toBe('Connected'));
});

test.each([
  [1001, 'Connected', 2],
  [4001, 'Disconnected', 1],
])('after a goodbye with %i it is: %s', async (code, expected, connections) => {
  const ada = await Person.open(browser, app.url);
  here.push(ada);
  let [opened, end] = [0, (): void => undefined];
  await ada.page.routeWebSocket(/\/chat\/ws$/, (socket) => {
    socket.connectToServer();
    opened += 1;
    end = () => {
      socket.send(JSON.stringify({ type: 'bye', code: 'over', message: 'That was all.' }));
      void socket.close({ code, reason: 'over' });
    };
  });
  await ada.page.reload();
  await ada.join('ada', `bye${code}`);
  end();
  await eventually(async () => expect([opened, await status(ada)]).toEqual([connections, expected]));
  if (expected === 'Connected') return;
  expect(await ada.alert.innerText()).toBe('That was all.');
  expect(await ada.text.isDisabled()).toBe(true);
  await ada.page.getByRole('button', { name: 'Join again' }).press('Enter');
  await ada.join('ada', `bye${code}`);
});

test('whoever was away for more than is kept is told how many messages are gone, and the page keeps 500 lines', async () => {
  const ada = await join('ada', 'gone');
  await post('gone', ['first']);
  await ada.hears('first');
  line.down();
  await ada.page.getByRole('status').getByText('Reconnecting').waitFor();
  await post('gone', numbered(1012));
  line.up();
  await ada.hears('message 1011');
  await eventually(async () => expect(await ada.log.locator('li').count()).toBe(500));
  const before = (await ada.messages()).length;
  await post('gone', ['last']);
  await ada.hears('last');
  // The line that tells what is gone stays.
  expect([before, (await ada.messages()).length]).toEqual([499, 499]);
  expect(await ada.notes()).toEqual(['You missed 12 messages']);
});

test('a message that is said to be deleted before it is here, or before the welcome, is a tombstone', async () => {
  const ada = await Person.open(browser, app.url);
  here.push(ada);
  let [epoch, opened, end] = ['', 0, (): void => undefined];
  await ada.page.routeWebSocket(/\/chat\/ws$/, (socket) => {
    const server = socket.connectToServer();
    const deleted = (seq: number, of = epoch): void =>
      socket.send(JSON.stringify({ type: 'deleted', room: 'early', seq, epoch: of }));
    opened += 1;
    end = () => void socket.close({ code: 1001, reason: 'over' });
    server.onMessage((frame) => {
      const told = JSON.parse(String(frame)) as { type: string; seq: number; epoch: string };
      // The second connection tells this first of all.
      if (told.type === 'welcome' && opened === 2) deleted(1);
      if (told.type === 'message' && told.seq === 3) deleted(3);
      if (told.type === 'message' && told.seq === 2) deleted(2, 'another');
      epoch = told.epoch ?? epoch;
      socket.send(frame);
    });
  });
  await ada.page.reload();
  await ada.join('ada', 'early');
  await post('early', ['one']);
  await ada.hears('one');
  end();
  await eventually(async () => expect([opened, await status(ada)]).toEqual([2, 'Connected']));
  await post('early', ['two']);
  await ada.hears('two');
  await post('early', ['three']);
  const gone = 'poster: This message was deleted.';
  await eventually(async () => expect(await ada.messages()).toEqual([gone, 'poster: two', gone]));
});

test('the list of people follows while they come and go, and is not asked for each time', async () => {
  const ada = await Person.open(browser, app.url);
  here.push(ada);
  let [asked, tell] = [0, (_frame: object): void => undefined];
  await ada.page.routeWebSocket(/\/chat\/ws$/, (socket) => {
    const server = socket.connectToServer();
    tell = (frame) => socket.send(JSON.stringify(frame));
    socket.onMessage((frame) => {
      if (String(frame).includes('"users"')) asked += 1;
      server.send(frame);
    });
  });
  // The page's time passes as this test says.
  await ada.page.clock.install();
  await ada.page.reload();
  await ada.join('ada', 'crowd');
  const comes = (): void => tell({ type: 'joined', name: 'somebody', room: 'crowd' });
  await join('bob', 'crowd', app.url);
  await eventually(async () => {
    comes();
    await ada.page.clock.runFor(50);
    expect(await ada.people()).toEqual(['ada', 'bob']);
  });
  asked = 0;
  for (let ms = 0; ms < 2000; ms += 50) {
    comes();
    await ada.page.clock.runFor(50);
  }
  // Every 400 ms.
  expect(asked).toBeGreaterThanOrEqual(3);
  expect(asked).toBeLessThanOrEqual(6);
});

test('what this page was too slow for is counted, and can be loaded into its place', async () => {
  const ada = await Person.open(browser, app.url);
  here.push(ada);
  let [isLossy, lost] = [false, 0];
  let tell: (frame: object) => void = () => undefined;
  await ada.page.routeWebSocket(/\/chat\/ws$/, (socket) => {
    const server = socket.connectToServer();
    tell = (frame) => socket.send(JSON.stringify(frame));
    server.onMessage((frame) => {
      if (isLossy && String(frame).includes('"message"')) lost += 1;
      else socket.send(frame);
    });
  });
  await ada.page.reload();
  await ada.join('ada', 'slow');
  await post('slow', ['before']);
  await ada.hears('before');
  isLossy = true;
  await post('slow', numbered(12));
  const { body } = await request(`${app.url}/chat/messages?room=slow`);
  const missed = ((await body.json()) as { messages: { text: string }[] }).messages.map(({ text }) => text).slice(1);
  await eventually(async () => expect(lost).toBe(12));
  isLossy = false;
  tell({ type: 'missed', count: 14, messages: 12 });
  await ada.log.getByText('You missed 12 messages').waitFor();
  await post('slow', ['after']);
  await ada.hears('after');
  expect(await ada.messages()).toEqual(['poster: before', 'poster: after']);
  await ada.page.getByRole('button', { name: 'Load them' }).press('Enter');
  await eventually(async () =>
    expect(await ada.messages()).toEqual(['before', ...missed, 'after'].map((text) => `poster: ${text}`)),
  );
  expect(await ada.log.getByText('You missed').count()).toBe(0);
});
