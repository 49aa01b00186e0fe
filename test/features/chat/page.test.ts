import type { Browser } from 'playwright-core';
import { request } from 'undici';
import { openBrowser } from '../../support/browser';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp, type TestApp } from '../../support/wires';
import { Person } from './browser';

// People talk on the page at /chat, in a browser, with the real server.

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
  // Nothing that the page does is against its policy, and no script fails.
  expect(problems).toEqual([]);
});
afterAll(async () => {
  await browser.close();
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function join(name: string, room: string): Promise<Person> {
  const person = await Person.join(browser, app.url, name, room);
  here.push(person);
  return person;
}

async function call(method: string, path: string, body?: object, token?: string): Promise<Record<string, unknown>> {
  const headers = {
    ...(body && { 'content-type': 'application/json' }),
    ...(token && { authorization: `Bearer ${token}` }),
  };
  const answer = await request(app.url + path, { method: method as 'GET', headers, body: JSON.stringify(body) });
  const text = await answer.body.text();
  return { status: answer.statusCode, ...(JSON.parse(text || '{}') as object) };
}

test('two people talk: both see each message once, in one order, and their own ones are sent', async () => {
  const [ada, bob] = [await join('ada', 'talk'), await join('bob', 'talk')];
  await ada.say('Hello?');
  await bob.hears('Hello?');
  await bob.say('Hello!', 'How are you?');
  await ada.hears('How are you?');
  await eventually(async () => {
    expect(await ada.messages()).toEqual(['You: Hello?', 'bob: Hello!', 'bob: How are you?']);
    expect(await bob.messages()).toEqual(['ada: Hello?', 'You: Hello!', 'You: How are you?']);
  });
  expect(await ada.notes()).toEqual(['#talk', 'You joined as ada', 'bob joined']);
});

test('whoever joins later sees what was said before, above the line that says so', async () => {
  const ada = await join('ada', 'later');
  await ada.say('first', 'second');
  await eventually(async () => expect(await ada.messages()).toEqual(['You: first', 'You: second']));
  const bob = await join('bob', 'later');
  await bob.say('third');
  await bob.hears('third');
  const lines = await bob.log.locator('li').evaluateAll((nodes) => nodes.map((node) => node.className.split(' ')[0]));
  expect(lines).toEqual(['heading', 'message', 'message', 'note', 'message']);
  expect(await bob.messages()).toEqual(['ada: first', 'ada: second', 'You: third']);
});

test('a whisper is for one person: by command, or by choosing a name, until Escape', async () => {
  const [ada, bob, eve] = [await join('ada', 'whisper'), await join('bob', 'whisper'), await join('eve', 'whisper')];
  await ada.say('/w bob by command');
  await ada.page.getByRole('button', { name: 'Whisper to bob' }).click();
  await ada.page.getByRole('textbox', { name: 'Whisper to bob' }).fill('by choice');
  await ada.page.keyboard.press('Enter');
  await ada.page.keyboard.press('Escape');
  await ada.page.getByRole('textbox', { name: 'Message to #whisper' }).fill('for all');
  await ada.page.keyboard.press('Enter');
  await eve.hears('for all');
  await bob.hears('for all');
  expect(await eve.messages()).toEqual(['ada: for all']);
  expect(await bob.messages()).toEqual([
    'ada: [Whisper to you] by command',
    'ada: [Whisper to you] by choice',
    'ada: for all',
  ]);
  await eventually(async () =>
    expect(await ada.messages()).toEqual([
      'You: [Whisper to bob] by command',
      'You: [Whisper to bob] by choice',
      'You: for all',
    ]),
  );
});

test('what cannot be done is told, stays readable, and is marked', async () => {
  const ada = await join('ada', 'wrong');
  for (const [text, told] of [
    ['/w nobody hello', 'Nobody is here by that name'],
    ['/w ada hello', 'Nobody whispers to themselves'],
    ['/w', 'Write /w, the name, and the text.'],
    ['/dance', /^There is no \/dance/],
    ['x'.repeat(513), 'A message has 512 characters at most; this one has 513.'],
  ] as const) {
    await ada.say(text);
    await ada.alert.getByText(told).waitFor();
  }
  expect(await ada.text.inputValue()).toHaveLength(513);
  expect(await ada.page.locator('#left').textContent()).toBe('1 too many');
  expect(await ada.messages()).toEqual([
    'You: [Whisper to nobody] hello (failed)',
    'You: [Whisper to ada] hello (failed)',
  ]);
  // Whoever is not here may come; whispering to oneself stays wrong.
  expect(await ada.page.getByRole('button', { name: 'Try again' }).count()).toBe(1);
  await ada.page.getByRole('button', { name: 'Dismiss' }).click();
  expect(await ada.alert.count()).toBe(0);
  // A line break is no part of a message, and a character may have two halves.
  await ada.say(`${'🎲'.repeat(500)}\n\tend`, '//literally');
  await ada.hears('/literally');
  expect((await ada.messages()).slice(2)).toEqual([`You: ${'🎲'.repeat(500)} end`, 'You: /literally']);
});

/** The token of a new account whose name is Ada. */
async function register(email: string): Promise<string> {
  const account = { name: 'Ada', email, password: 'correct horse' };
  return String((await call('POST', '/auth/register', account)).accessToken);
}

test('who has an account is told from all others of the same name', async () => {
  const bob = await join('bob', 'badge');
  const [one, other] = [await register('badge@example.com'), await register('badge2@example.com')];
  const say = (text: string, token?: string) =>
    call('POST', '/chat/messages', { room: 'badge', text, ...(token ? {} : { name: 'Ada' }) }, token);
  await say('it is me', one);
  await say('me again', one);
  await say('no, me', other);
  await say('no, me!');
  await bob.hears('no, me!');
  await eventually(async () =>
    expect(await bob.messages()).toEqual([
      'Ada account: it is me',
      'Ada account: me again',
      'Ada account: no, me',
      'Ada: no, me!',
    ]),
  );
  // Nobody stands below the name of another one.
  expect(await bob.log.locator('.message.grouped .text').allTextContents()).toEqual(['me again']);
  // Whoever takes the name has not said what the others have.
  const guest = await join('Ada', 'badge');
  expect(await guest.messages()).toEqual([...(await bob.messages()).slice(0, 3), 'You: no, me!']);
  const ada = await Person.open(browser, app.url);
  here.push(ada);
  await ada.page.getByText('I have an access token').click();
  await ada.page.getByRole('textbox', { name: 'Access token' }).fill(one);
  await ada.join('', 'badge');
  expect(await ada.messages()).toEqual(['You: it is me', 'You: me again', 'Ada account: no, me', 'Ada: no, me!']);
});

test('the list of people says who has an account, also to those who hear it', async () => {
  const [bob, ada] = [await Person.open(browser, app.url), await Person.open(browser, app.url)];
  here.push(bob, ada);
  // Bob does not hear of it when somebody goes.
  await bob.page.routeWebSocket(/\/chat\/ws$/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((frame) => void (String(frame).includes('"left"') || socket.send(frame)));
  });
  await bob.page.reload();
  await bob.join('bob', 'accounts');
  const carl = await join('carl', 'accounts');
  await ada.page.getByText('I have an access token').click();
  await ada.page.getByRole('textbox', { name: 'Access token' }).fill(await register('accounts@example.com'));
  await ada.join('', 'accounts');
  const badges = (person: Person) => person.page.locator('#users li:has(.badge) bdi').allTextContents();
  for (const person of [ada, bob, carl]) {
    await person.sees(['Ada', 'bob', 'carl']);
    expect(await badges(person)).toEqual(['Ada']);
  }
  await bob.page.getByRole('button', { name: 'Whisper to Ada, account', exact: true }).click();
  await bob.page.getByRole('textbox', { name: 'Whisper to Ada', exact: true }).fill('psst');
  await bob.page.keyboard.press('Enter');
  await ada.hears('psst');
  await bob.page.getByRole('button', { name: 'Whisper to carl', exact: true }).waitFor();
  // The same name without the account is another person.
  await ada.page.getByRole('button', { name: 'Leave' }).click();
  await carl.sees(['bob', 'carl']);
  await join('Ada', 'accounts');
  await eventually(async () => expect(await badges(bob)).toEqual([]));
  expect(await bob.people()).toEqual(['Ada', 'bob', 'carl']);
});

test('who is silenced is told until when and why, and says it again later', async () => {
  const [ada, bob] = [await join('ada', 'muted'), await join('bob', 'muted')];
  await call('POST', '/chat/mutes', { name: 'ada', seconds: 600, reason: 'spam' });
  await ada.say('buy this');
  await ada.alert.getByText(/^You are muted until .*: spam$/).waitFor();
  expect(await ada.messages()).toEqual(['You: buy this (failed)']);
  await call('DELETE', '/chat/mutes/ada');
  await ada.page.getByRole('button', { name: 'Try again' }).click();
  await bob.hears('buy this');
  await eventually(async () => expect(await ada.messages()).toEqual(['You: buy this']));
});

test('more than ten messages a second are all said in the end, in order', async () => {
  const [ada, bob] = [await join('ada', 'fast'), await join('bob', 'fast')];
  const texts = Array.from({ length: 25 }, (_, i) => `message ${i}`);
  await ada.say(...texts);
  await bob.hears('message 24');
  expect(await bob.messages()).toEqual(texts.map((text) => `ada: ${text}`));
  await eventually(async () => expect(await ada.messages()).toEqual(texts.map((text) => `You: ${text}`)));
});

test('a deleted message is a tombstone, for those who saw it and for those who come later', async () => {
  const [ada, bob] = [await join('ada', 'deleted'), await join('bob', 'deleted')];
  await ada.say('stays', 'goes');
  await bob.hears('goes');
  expect(await call('DELETE', '/chat/messages/2?room=deleted')).toMatchObject({ status: 200, deleted: true });
  const eve = await join('eve', 'deleted');
  for (const [person, author] of [[ada, 'You'] as const, [bob, 'ada'] as const, [eve, 'ada'] as const])
    await eventually(async () =>
      expect(await person.messages()).toEqual([`${author}: stays`, `${author}: This message was deleted.`]),
    );
});

test('the list of people and the room follow what happens; a whisper is no part of a room', async () => {
  const [ada, bob] = [await join('ada', 'people'), await join('bob', 'people')];
  await ada.sees(['ada', 'bob']);
  await bob.say('/w ada remember this', '/join People2');
  await ada.sees(['ada']);
  await bob.sees(['bob']);
  await ada.hears('remember this');
  await ada.page.getByRole('button', { name: 'people, change room' }).click();
  await ada.page.getByRole('dialog').getByRole('textbox').fill('people2');
  await ada.page.keyboard.press('Enter');
  await ada.sees(['ada', 'bob']);
  await ada.say('here');
  await bob.hears('here');
  expect(await ada.page.title()).toBe('#people2 - Aerie chat');
  expect(await ada.messages()).toEqual(['bob: [Whisper to you] remember this', 'You: here']);
  await bob.page.getByRole('button', { name: 'Leave' }).click();
  await ada.sees(['ada']);
  expect((await ada.notes()).slice(-1)).toEqual(['bob left']);
});

test('a name that is taken is told, and another one is free', async () => {
  await join('ada', 'taken');
  const other = await Person.open(browser, app.url);
  here.push(other);
  await other.page.getByRole('textbox', { name: 'Name' }).fill('Ada');
  await other.page.keyboard.press('Enter');
  await other.alert.getByText('Somebody else has this name').waitFor();
  expect(await other.page.locator(':focus').getAttribute('id')).toBe('join-name');
  await other.join('ada-2', 'taken');
  await other.sees(['ada', 'ada-2']);
});
