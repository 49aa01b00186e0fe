import { chatContract as chat } from '../../../src/features/chat/chat.api';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp, type TestApp } from '../../support/wires';
import { GrpcClient, type Heard, SseClient, TcpClient, WsClient } from './clients';

// The promise: one conversation on four wires, whose numbers have no hole, and which a client takes up where it left it.

let app: TestApp;
let close: () => Promise<void>;
const clients: { close(): void }[] = [];

beforeAll(async () => {
  const database = await everyDatabase[0]!.create();
  app = await openApp(database.url, { CHAT_PORT: '0' });
  close = async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  };
});

afterAll(() => close());

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await eventually(async () => expect((await app.http.call(chat, 'listChatUsers', {})).body.users).toEqual([]));
});

function keep<Client extends { close(): void }>(client: Client): Client {
  clients.push(client);
  return client;
}

const frames = [
  ['websocket', () => keep(new WsClient(app.url))],
  ['grpc', () => keep(new GrpcClient(app.grpcAddress))],
] as const;

let rooms = 0;

/** A room that no other test has talked in. */
function newRoom(): string {
  rooms += 1;
  return `room-${rooms}`;
}

test('all four wires hear the same message with the same number', async () => {
  const sse = keep(await new SseClient().open(app.url));
  const tcp = keep(new TcpClient(app.ports.chat as number));
  await tcp.enter('tcp');
  const [ws, grpc] = [keep(new WsClient(app.url)), keep(new GrpcClient(app.grpcAddress))];
  await ws.enter('ws');
  await grpc.enter('grpc');
  await eventually(async () => expect(sse.heard[0]?.type).toBe('room'));
  tcp.say('from tcp');
  ws.say('from ws', 'w-1');
  await grpc.hears('message', 2);
  const posted = await app.http.call(chat, 'postMessage', { name: 'zoe', text: 'from http', id: 'h-1' });
  expect(posted).toMatchObject({ code: 'ok', body: { room: 'lobby', from: 'zoe', text: 'from http', id: 'h-1' } });
  await grpc.hears('message', 3);
  await ws.hears('message', 3);
  await tcp.hears('zoe: from http');
  await eventually(async () => expect(sse.heard.filter(({ type }) => type === 'message')).toHaveLength(3));
  const numbers = (heard: readonly Heard[]): unknown[] =>
    heard
      .filter(({ type }) => type === 'message')
      .map(({ seq, from, text, epoch, at, id = '' }) => ({ seq, from, text, epoch, at, id }));
  expect(numbers(grpc.heard)).toEqual(numbers(ws.heard));
  expect(numbers(sse.heard)).toEqual(numbers(ws.heard));
  const { body } = await app.http.call(chat, 'listMessages', {});
  expect((body.messages as object[]).map((one) => ({ id: '', ...one }))).toMatchObject(numbers(ws.heard) as object[]);
  expect(tcp.said().slice(-3)).toEqual(ws.said());
});

describe.each(frames)('%s', (_wire, make) => {
  test('hello, say, whisper, users, join, exit', async () => {
    const room = newRoom();
    const [ada, bob] = [make(), make()];
    await ada.enter('ada', { room });
    expect(await ada.hears('welcome')).toMatchObject({ name: 'ada', room, seq: 0 });
    await bob.enter('bob', { room });
    expect(await ada.hears('joined')).toMatchObject({ name: 'bob', room });
    bob.say('hello', 'b-1');
    expect(await ada.hears('message')).toMatchObject({ room, seq: 1, from: 'bob', text: 'hello' });
    expect(await bob.hears('message')).toMatchObject({ id: 'b-1', seq: 1 });
    bob.whisper('ADA', 'psst');
    expect(await ada.hears('whisper')).toMatchObject({ from: 'bob', to: 'ada', text: 'psst' });
    expect((await bob.hears('whisper')).own).toBe(true);
    bob.send({ type: 'users' });
    expect(await bob.hears('users')).toMatchObject({ room, users: ['ada', 'bob'] });
    bob.send({ type: 'join', room: `${room}-b` });
    expect(await bob.hears('room')).toMatchObject({ room: `${room}-b`, seq: 0 });
    expect(await ada.hears('left')).toMatchObject({ name: 'bob', room });
    bob.send({ type: 'exit' });
    expect(await bob.hears('bye')).toMatchObject({ code: 'exit' });
    await bob.ended;
  });

  test('resume: exactly the rest, or how much of it is gone', async () => {
    const room = newRoom();
    const ada = make();
    await ada.enter('ada', { room });
    const post = (text: string) => app.http.call(chat, 'postMessage', { room, name: 'zoe', text });
    for (let i = 1; i <= 5; i += 1) await post(`m${i}`);
    const { epoch } = await ada.hears('message', 5);
    ada.close();
    await eventually(async () => expect((await app.http.call(chat, 'listChatUsers', { room })).body.users).toEqual([]));
    const again = make();
    await again.enter('ada', { room, afterSeq: 3, epoch });
    await again.hears('message', 2);
    await post('m6');
    await again.hears('message', 3);
    expect(again.said()).toEqual(['zoe: m4', 'zoe: m5', 'zoe: m6']);
    again.close();
    // Two of them are deleted while nobody is here: whoever has heard them is told, and only of them.
    await app.http.call(chat, 'deleteMessage', { room, seq: 2 });
    await app.http.call(chat, 'deleteMessage', { room, seq: 5 });
    const third = make();
    await third.enter('cleo', { room, afterSeq: 4, epoch });
    await third.hears('message', 2);
    expect(third.heard.filter(({ type }) => type === 'deleted' || type === 'message')).toMatchObject([
      { type: 'deleted', room, epoch, seq: 2 },
      { type: 'message', seq: 5, deleted: true },
      { type: 'message', seq: 6 },
    ]);
    const other = make();
    await other.enter('bob', { room, afterSeq: 3, epoch: '0'.repeat(26) });
    expect(other.of('deleted')).toEqual([]);
    expect((await other.hears('welcome')).reset).toBe(true);
    await other.hears('message', 6);
    expect(other.said()).toHaveLength(6);
  });

  test('an id makes a retry harmless: with another text it is refused', async () => {
    const room = newRoom();
    const ada = make();
    await ada.enter('ada', { room });
    ada.say('once', 'a-1');
    const { seq } = await ada.hears('message');
    ada.say('once', 'a-1');
    expect(await ada.hears('said')).toMatchObject({ id: 'a-1', seq, duplicate: true });
    ada.say('twice', 'a-1');
    expect(await ada.hears('error')).toMatchObject({ code: 'id_reused', id: 'a-1' });
    ada.send({ type: 'whisper', to: 'ada', text: 'x', id: 'w' });
    expect(await ada.hears('error', 2)).toMatchObject({ code: 'cannot_whisper_self' });
    const bob = make();
    await bob.enter('bob', { room });
    for (let i = 0; i < 2; i += 1) ada.send({ type: 'whisper', to: 'bob', text: 'x', id: `${room}-w` });
    await ada.hears('said', 2);
    await bob.hears('whisper');
    bob.send({ type: 'users' });
    await bob.hears('users');
    expect(bob.of('whisper')).toHaveLength(1);
    // It was said, whoever is still here to hear it.
    bob.close();
    await eventually(async () =>
      expect((await app.http.call(chat, 'listChatUsers', { room })).body.users).toHaveLength(1),
    );
    ada.send({ type: 'whisper', to: 'bob', text: 'x', id: `${room}-w` });
    expect(await ada.hears('said', 3)).toMatchObject({ duplicate: true });
    expect(ada.said()).toEqual(['ada: once']);
  });

  test.each([
    [{ type: 'shout' }, 'validation_failed', /type/],
    [{ type: 'say' }, 'validation_failed', /text/],
    [{ type: 'say', text: '' }, 'validation_failed', /text/],
    [{ type: 'say', text: 'x'.repeat(513) }, 'validation_failed', /text: must have at most 512/],
    [{ type: 'say', text: 'a\u0000b' }, 'validation_failed', /text/],
    [{ type: 'join', room: 'a b' }, 'validation_failed', /room/],
    [{ type: 'join', room: 'x', afterSeq: -1 }, 'validation_failed', /afterSeq/],
    [{ type: 'whisper', to: 'nobody', text: 'x' }, 'user_not_found', /name/],
    [{ type: 'hello', name: 'other' }, 'already_registered', /name/],
  ])('%j is refused and the conversation goes on', async (frame, code, message) => {
    const ada = make();
    await ada.enter('ada');
    ada.send(frame);
    expect(await ada.hears('error')).toMatchObject({ code, message: expect.stringMatching(message) });
    ada.say('still here');
    await ada.hears('message');
  });

  test('whoever has not said hello says nothing', async () => {
    const nobody = make();
    if (nobody instanceof WsClient) await nobody.opened;
    nobody.send({ type: 'say', text: 'boo' });
    expect(await nobody.hears('error')).toMatchObject({ code: 'not_registered' });
    nobody.send({ type: 'hello', name: 'a b' });
    expect(await nobody.hears('error', 2)).toMatchObject({ code: 'username_invalid' });
    await nobody.enter('ada');
  });
});

test('more than a thousand messages: a reader is told how many are gone', async () => {
  const room = newRoom();
  const senders = Array.from({ length: 24 }, () => keep(new TcpClient(app.ports.chat as number)));
  await Promise.all(
    senders.map(async (sender, i) => {
      await sender.enter(`s${i}`);
      sender.send(`/join ${room}\n`);
      await sender.hears(`SYSTEM: you are in ${room}`);
    }),
  );
  let said = 0;
  while (said < 1100) {
    for (const sender of senders)
      for (let i = 0; i < 8; i += 1) {
        said += 1;
        sender.say(`m${said}`);
      }
    // Their second begins when all of it was taken, however long that took.
    await eventually(async () =>
      expect((await app.http.call(chat, 'listMessages', { room, limit: 1 })).body.latestSeq).toBe(said),
    );
    await new Promise((resolve) => setTimeout(resolve, 1050));
  }
  const ws = keep(new WsClient(app.url));
  await ws.enter('late', { room, afterSeq: 10 });
  expect((await ws.hears('welcome')).count).toBe(said - 1000 - 10);
  await ws.hears('message', 1000);
  expect(ws.of('message').map(({ seq }) => seq)).toEqual(Array.from({ length: 1000 }, (_, i) => said - 999 + i));
  expect(ws.missed()).toBe(0);
  const sse = keep(await new SseClient().open(app.url, `/chat/stream?room=${room}&afterSeq=${said - 2}`));
  await eventually(async () => expect(sse.heard.filter(({ type }) => type === 'message')).toHaveLength(2));
  sse.close();
  const resumed = keep(
    await new SseClient().open(app.url, `/chat/stream?room=${room}`, {
      'last-event-id': sse.id.replace(/\d+$/, String(said - 5)),
    }),
  );
  await eventually(async () => expect(resumed.heard.filter(({ type }) => type === 'message')).toHaveLength(5));
}, 60_000);
