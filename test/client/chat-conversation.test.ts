import { AppError } from '../../src/shared/errors/app-error';
import { tokenInvalid, unavailable } from '../../src/shared/errors/common.errors';
import { HandServer } from './chat-server';

// The promise: whatever happens to connections, nothing is said or shown twice, and nothing is lost without a word.

const say = (text: string) => ({ type: 'say', text, id: `id-${text}` });

let server: HandServer;

beforeEach(() => {
  jest.useFakeTimers();
  server = new HandServer();
});

afterEach(() => {
  jest.useRealTimers();
});

const later = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

test('what is typed before the welcome is said after it, one after another', async () => {
  const client = server.client();
  for (const text of ['a', 'b']) client.say(say(text));
  expect(server.now.said).toEqual([]);
  server.now.welcome(7);
  expect(server.now.said).toMatchObject([{ type: 'hello', name: 'ada', room: 'lobby' }, say('a')]);
  server.now.message(8, 'a', { id: 'id-a' });
  expect(server.now.said.at(-1)).toEqual(say('b'));
});

test('at most ten a second, however fast they are answered', async () => {
  const client = server.client();
  for (let i = 0; i < 25; i += 1) client.say(say(`${i}`));
  server.now.welcome(0);
  const counts: number[] = [];
  for (let second = 0; second < 3; second += 1) {
    for (let seq = 0, before = -1; before !== server.now.said.length; seq += 1) {
      before = server.now.said.length;
      server.now.message(100 * second + seq, 'x', { id: server.now.said.at(-1)?.id });
    }
    counts.push(server.now.said.length);
    await later(1100);
  }
  // The hello is one of them.
  expect(counts).toEqual([10, 20, 26]);
});

test('slow_down: the same is said again when it may be, before what comes after it', async () => {
  const client = server.client();
  for (const text of ['a', 'b']) client.say(say(text));
  server.now.welcome(0);
  server.now.tell({ type: 'error', code: 'slow_down', message: 'x', retryAfterMs: 700 });
  await later(699);
  expect(server.now.said.slice(1)).toEqual([say('a')]);
  await later(1);
  expect(server.now.said.slice(1)).toEqual([say('a'), say('a')]);
  server.now.message(1, 'a', { id: 'id-a' });
  expect(server.now.said.slice(1)).toEqual([say('a'), say('a'), say('b')]);
  expect([server.shown.filter(({ type }) => type === 'error'), client.refused]).toEqual([[], 0]);
});

test('after a lost connection: exactly the rest, and what was not answered once more under its id', async () => {
  const client = server.client();
  server.now.welcome(5);
  server.now.message(6, 'before');
  client.say(say('mine'));
  server.now.listener.closed(unavailable());
  await later(500);
  expect(server.connections).toHaveLength(2);
  server.now.welcome(8);
  expect(server.now.said).toMatchObject([{ type: 'hello', afterSeq: 6, epoch: 'E1' }]);
  server.now.message(6, 'before');
  server.now.message(7, 'meanwhile');
  // Not yet: it may be among what comes.
  expect(server.now.said).toHaveLength(1);
  server.now.message(8, 'other');
  expect(server.now.said.at(-1)).toEqual(say('mine'));
  server.now.tell({ type: 'said', id: 'id-mine', seq: 8, epoch: 'E1', duplicate: true });
  client.say(say('next'));
  expect(server.now.said.at(-1)).toEqual(say('next'));
  expect(server.texts).toEqual(['before', 'meanwhile', 'other']);
});

test('that a message was deleted is told once, though every connection tells it again, and only of what was heard', async () => {
  const deleted = (seq: number, epoch = 'E1') => server.now.tell({ type: 'deleted', room: 'lobby', seq, epoch });
  server.client();
  server.now.welcome(5);
  server.now.message(6, 'a');
  server.now.message(7, 'b');
  deleted(6);
  for (let lost = 0; lost < 2; lost += 1) {
    server.now.listener.closed();
    await later(2000);
    server.now.welcome(7);
    for (const seq of [3, 6, 7]) deleted(seq);
    deleted(7, 'E0');
  }
  expect(server.connections).toHaveLength(3);
  expect(server.shown.filter(({ type }) => type === 'deleted').map(({ seq }) => seq)).toEqual([6, 7]);
});

test('what was said before the connection was lost is not said again under another name', async () => {
  const client = server.client();
  server.now.welcome(0);
  client.say(say('mine'));
  server.now.listener.closed();
  await later(500);
  server.now.welcome(1, { name: 'ada-2' });
  server.now.message(1, 'mine', { from: 'ada', id: 'id-mine' });
  await later(5000);
  expect(server.now.said).toHaveLength(1);
});

test('a numbering that begins anew shows nothing twice', async () => {
  server.client();
  server.now.welcome(0);
  for (const [i, text] of ['a', 'b'].entries()) server.now.message(i + 1, text);
  server.now.listener.closed();
  await later(500);
  server.now.welcome(3, { epoch: 'E2', reset: true });
  for (const [i, text] of ['a', 'b', 'c'].entries()) server.now.message(i + 1, text, { epoch: 'E2' });
  server.now.message(4, 'c', { epoch: 'E2' });
  expect(server.texts).toEqual(['a', 'b', 'c', 'c']);
  expect(server.shown.filter(({ type, reset }) => type === 'welcome' && reset)).toHaveLength(1);
});

test('pauses grow, and a script gives up', async () => {
  const client = server.client(60_000);
  server.now.welcome(0);
  client.say(say('a'));
  for (let passed = 0; passed < 100_000 && server.connections.length < 100; passed += 100) {
    if (!server.now.closed) server.now.listener.closed(unavailable());
    await later(100);
  }
  expect(server.connections.length).toBeLessThan(20);
  await expect(client.over).rejects.toMatchObject({ code: 'unavailable' });
  expect(server.notes.at(-1)).toBe('Not said: 1');
});

test('a server that says nothing is taken for gone', async () => {
  const client = server.client();
  server.now.welcome(0);
  client.say(say('a'));
  await later(9999);
  expect(server.connections).toHaveLength(1);
  await later(501);
  expect(server.connections).toHaveLength(2);
});

test.each([
  ['username_taken', false],
  ['token_invalid', false],
  ['unavailable', true],
  ['slow_down', true],
])('a hello that is refused with %s the first time: tried again: %s', async (code, isTried) => {
  const client = server.client(60_000);
  server.now.listener.opened();
  server.now.tell({ type: 'error', code, message: 'x' });
  if (!isTried) await expect(client.over).rejects.toMatchObject({ code });
  await later(500);
  expect(server.connections).toHaveLength(isTried ? 2 : 1);
});

test('a name that its own lost connection still holds is asked for again', async () => {
  server.client();
  server.now.welcome(0);
  server.now.listener.closed();
  await later(500);
  server.now.listener.opened();
  server.now.tell({ type: 'error', code: 'username_taken', message: 'x' });
  await later(1000);
  expect(server.connections).toHaveLength(3);
});

test('the first connection is not tried again, nor one that is of no use', async () => {
  const first = server.client();
  server.now.listener.closed(unavailable(new Error('ECONNREFUSED')));
  await expect(first.over).rejects.toBeInstanceOf(AppError);
  const second = server.client();
  server.now.welcome(0);
  server.now.listener.closed(tokenInvalid());
  await expect(second.over).rejects.toMatchObject({ code: 'token_invalid' });
});

test('it leaves when all is said, and waits a second for a goodbye', async () => {
  const client = server.client();
  client.say(say('a'));
  client.leave();
  server.now.welcome(0);
  expect(server.now.said.at(-1)).toEqual(say('a'));
  server.now.tell({ type: 'error', code: 'muted', message: 'until later', id: 'id-a' });
  expect(server.now.said.at(-1)).toEqual({ type: 'exit' });
  await later(1000);
  await client.over;
  expect(client.refused).toBe(1);
});

test('it quits at once, and says how much it has not said', async () => {
  const client = server.client();
  for (const text of ['a', 'b', 'c']) client.say(say(text));
  server.now.welcome(0);
  client.quit();
  server.now.tell({ type: 'bye', code: 'exit' });
  await client.over;
  expect(client.refused).toBe(3);
  expect(server.now.said.at(-1)).toEqual({ type: 'exit' });
});

test('whoever hands over more than can be said waits', async () => {
  const client = server.client();
  let ready = false;
  for (let i = 0; i < 101; i += 1) client.say(say(`${i}`));
  const waiting = client.ready.then(() => {
    ready = true;
  });
  await later(0);
  expect(ready).toBe(false);
  client.quit();
  await waiting;
});

test('of many users every page is asked for', async () => {
  const client = server.client();
  client.say({ type: 'users' });
  server.now.welcome(0);
  server.now.tell({ type: 'users', users: ['a', 'b'], more: true });
  expect(server.now.said.at(-1)).toEqual({ type: 'users', after: 'b' });
});
