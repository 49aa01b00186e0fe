import { authContract as auth } from '../../../src/features/auth/auth.api';
import { chatContract as chat } from '../../../src/features/chat/chat.api';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { type Outcome, openApp, type TestApp, type Wire } from '../../support/wires';
import { SseClient, TcpClient, WsClient } from './clients';

// The promise: who is not connected can talk, read, report and moderate by calls, the same over HTTP and gRPC and on every
// database; and a token says who somebody is.

const email = 'ada@example.com';
const password = 'correct horse';
const secret = 'the-internal-secret-of-this-very-test';

describe.each(everyDatabase)('$name', ({ name: kind, create }) => {
  let app: TestApp;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const database = await create();
    app = await openApp(database.url, { CHAT_PORT: '0' });
    close = async () => {
      await app[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    };
  });

  afterAll(() => close());

  // What is said is in no database: on the servers one wire is enough for what is.
  describe.each(kind === 'sqlite' ? (['http', 'grpc'] as const) : (['http'] as const))('%s', (wire) => {
    const on = (): Wire => app[wire];
    // Ten posts a second are let through; one that is refused was not said.
    const call = async (method: string, message: object): Promise<Outcome> => {
      for (;;) {
        const outcome = await on().call(chat, method, message);
        if (outcome.code !== 'slow_down') return outcome;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    const room = `calls-${wire}`;

    test('post, list, resume, retry', async () => {
      for (const text of ['one', 'two', 'three'])
        expect(await call('postMessage', { room, name: 'zoe', text, id: `${wire}-${text}` })).toMatchObject({
          code: 'ok',
        });
      const again = await call('postMessage', { room, name: 'zoe', text: 'two', id: `${wire}-two` });
      expect(again).toMatchObject({ code: 'ok', body: { seq: 2, text: 'two' } });
      expect(await call('postMessage', { room, name: 'zoe', text: 'other', id: `${wire}-two` })).toMatchObject({
        code: 'id_reused',
        status: wire === 'http' ? 422 : 9,
      });
      const { body } = await call('listMessages', { room, afterSeq: 1 });
      expect(body).toMatchObject({ room, latestSeq: 3, gone: 0, reset: false });
      expect((body.messages as { text: string }[]).map(({ text }) => text)).toEqual(['two', 'three']);
      const other = await call('listMessages', { room, afterSeq: 1, epoch: '0'.repeat(26), limit: 1 });
      expect(other.body).toMatchObject({ reset: true, messages: [{ text: 'one' }] });
    });

    test.each([
      ['postMessage', { text: 'hi' }, 'name'],
      ['postMessage', { name: 'zoe' }, 'text'],
      ['postMessage', { name: 'zoe', text: ' ' }, 'text'],
      ['postMessage', { name: 'zoe', text: 'x'.repeat(513) }, 'text'],
      ['postMessage', { name: 'a b', text: 'hi' }, 'name'],
      ['postMessage', { name: 'SYSTEM', text: 'hi' }, 'name'],
      ['postMessage', { name: 'zoe', text: 'hi', room: 'no room' }, 'room'],
      ['postMessage', { name: 'zoe', text: 'hi', id: 'x'.repeat(65) }, 'id'],
      ['listMessages', { afterSeq: -1 }, 'afterSeq'],
      ['listMessages', { epoch: 'x' }, 'epoch'],
      ['listMessages', { limit: 101 }, 'limit'],
      ['muteUser', { name: 'eve', seconds: 0, reason: 'x' }, 'seconds'],
      ['muteUser', { name: 'eve', seconds: 1, reason: '' }, 'reason'],
      ['reportMessage', { seq: 1, name: 'zoe', reason: '' }, 'reason'],
      ['deleteMessage', { seq: 0 }, 'seq'],
    ])('%s with %j names %s', async (method, message, field) => {
      expect(await call(method, message)).toMatchObject({ code: 'validation_failed', fields: [field] });
    });

    test('a name that somebody has is not to be had', async () => {
      const tcp = new TcpClient(app.ports.chat as number);
      await tcp.enter('mel');
      expect(await call('postMessage', { name: 'MEL', text: 'hi' })).toMatchObject({ code: 'username_taken' });
      expect((await call('listChatUsers', { pageSize: 1 })).body).toEqual({
        users: [{ name: 'mel', room: 'lobby' }],
        nextPageToken: '',
      });
      expect((await call('listChatUsers', { room: 'elsewhere' })).body.users).toEqual([]);
      tcp.close();
      await eventually(async () => expect((await call('listChatUsers', {})).body.users).toEqual([]));
    });

    test('a muted user is told until when and why, on every wire, and can talk again afterwards', async () => {
      const [tcp, ws] = [new TcpClient(app.ports.chat as number), new WsClient(app.url)];
      await tcp.enter('eve');
      await ws.enter('mallory');
      const muted = await call('muteUser', { name: 'EVE', seconds: 600, reason: 'insults' });
      expect(muted).toMatchObject({ code: 'ok', body: { name: 'eve', reason: 'insults' } });
      await call('muteUser', { name: 'mallory', seconds: 600, reason: 'spam' });
      tcp.say('hello');
      await tcp.hears(`ERR muted until ${muted.body.mutedUntil}: insults`);
      ws.say('hello');
      expect(await ws.hears('error')).toMatchObject({
        code: 'muted',
        message: expect.stringMatching(/until .*: spam/),
      });
      ws.whisper('eve', 'psst');
      await ws.hears('error', 2);
      const { body } = await call('listMutes', { pageSize: 1 });
      expect(body).toMatchObject({ mutes: [{ name: 'eve' }], nextPageToken: expect.stringMatching(/./) });
      expect((await call('listMutes', { pageToken: body.nextPageToken })).body.mutes).toMatchObject([
        { name: 'mallory' },
      ]);
      for (const name of ['Eve', 'mallory']) await call('unmuteUser', { name });
      tcp.say('sorry');
      await tcp.hears('eve: sorry');
      expect((await call('listMutes', {})).body.mutes).toEqual([]);
      await call('muteUser', { name: 'gone', seconds: 600, reason: 'x' });
      expect(await call('postMessage', { name: 'gone', text: 'hi' })).toMatchObject({
        code: 'muted',
        retryAfter: true,
      });
      await call('unmuteUser', { name: 'gone' });
      for (const client of [tcp, ws]) client.close();
      await eventually(async () => expect((await call('listChatUsers', {})).body.users).toEqual([]));
    });

    test('a deleted message leaves a tombstone, which all are told; a report keeps what was around it', async () => {
      const ws = new WsClient(app.url);
      const where = `${room}-reports`;
      await ws.enter('nina', { room: where });
      for (let i = 1; i <= 25; i += 1) await call('postMessage', { room: where, name: 'zoe', text: `m${i}` });
      const { body: report } = await call('reportMessage', { room: where, seq: 12, name: 'zoe', reason: 'rude' });
      // What was kept is the moderators' to read.
      expect(report.messages).toEqual([]);
      const { reports } = (await call('listReports', { pageSize: 1 })).body as {
        reports: { messages: { text: string }[] }[];
      };
      const texts = reports[0]?.messages.map(({ text }) => text);
      expect(texts).toEqual(Array.from({ length: 21 }, (_, i) => `m${i + 2}`));
      const again = await call('reportMessage', { room: where, seq: 12, name: 'zoe', reason: 'again' });
      expect(again.body).toEqual({ ...report, reason: 'again' });
      expect((await call('listReports', { pageSize: 1 })).body.reports).toMatchObject([
        { id: report.id, reason: 'rude' },
      ]);
      const deleted = await call('deleteMessage', { room: where, seq: 12 });
      expect(deleted).toMatchObject({ code: 'ok', body: { seq: 12, text: '', deleted: true } });
      expect(await ws.hears('deleted')).toMatchObject({ room: where, seq: 12 });
      expect(await call('deleteMessage', { room: where, seq: 12 })).toMatchObject({ code: 'ok' });
      const { body } = await call('listMessages', { room: where, afterSeq: 11, limit: 1 });
      expect(body.messages).toMatchObject([{ seq: 12, text: '', deleted: true }]);
      expect(await call('deleteMessage', { room: where, seq: 99 })).toMatchObject({ code: 'message_not_found' });
      expect(await call('reportMessage', { room: where, seq: 99, name: 'zoe', reason: 'x' })).toMatchObject({
        code: 'message_not_found',
      });
      ws.close();
      await eventually(async () => expect((await call('listChatUsers', {})).body.users).toEqual([]));
    });
  });
});

test.each(['off', 'optional', 'required'] as const)('CHAT_AUTH=%s: who is who', async (mode) => {
  await using database = await everyDatabase[0]!.create();
  await using app = await openApp(database.url, {
    CHAT_PORT: '0',
    CHAT_AUTH: mode,
    AUTH_REQUIRED: 'true',
    INTERNAL_API_SECRET: secret,
  });
  const { body } = await app.http.call(auth, 'register', { name: 'Ada Lovelace', email, password });
  const token = String(body.accessToken);
  const { id } = body.user as { id: string };
  const bearer = { authorization: `Bearer ${token}` };
  const [free, known, twice] = [
    new WsClient(app.url),
    new WsClient(app.url),
    new WsClient(app.url, ['aerie.chat', `bearer.${token}`]),
  ];
  await Promise.all([free.opened, known.opened, twice.opened]);
  free.send({ type: 'hello', name: 'bob' });
  known.send({ type: 'hello', name: 'carl', token });
  if (mode === 'required') expect(await free.hears('error')).toMatchObject({ code: 'token_invalid' });
  else expect((await free.hears('welcome')).name).toBe('bob');
  expect((await known.hears('welcome')).name).toBe(mode === 'off' ? 'carl' : 'Ada_Lovelace');
  twice.send({ type: 'hello', name: 'dora' });
  expect((await twice.hears('welcome')).name).toBe(mode === 'off' ? 'dora' : 'Ada_Lovelace-2');
  const tcp = new TcpClient(app.ports.chat as number);
  tcp.send(`/token ${token}\n`);
  await tcp.hears(mode === 'off' ? 'ERR username_invalid' : 'OK');
  const wrong = new WsClient(app.url);
  await wrong.opened;
  wrong.send({ type: 'hello', name: 'eve', token: `${token}x` });
  expect((await wrong.hears(mode === 'off' ? 'welcome' : 'error')).code ?? '').toBe(
    mode === 'off' ? '' : 'token_invalid',
  );
  const anonymous = await app.http.call(chat, 'listMessages', {});
  expect(anonymous.code).toBe(mode === 'required' ? 'token_invalid' : 'ok');
  const stream = await new SseClient().open(app.url);
  expect(stream.status).toBe(mode === 'required' ? 401 : 200);
  const listener = await new SseClient().open(app.url, '/chat/stream', bearer);
  const posted = await app.http.call(chat, 'postMessage', { name: 'zoe', text: 'hi' }, bearer);
  expect(posted.body.from).toBe(mode === 'off' ? 'zoe' : 'Ada_Lovelace');
  // Accounts are the administrators' to know, and nobody else may moderate.
  const users = (await app.http.call(chat, 'listChatUsers', {}, bearer)).body.users as object[];
  expect(users.filter((user) => 'userId' in user)).toEqual([]);
  expect((await app.http.call(chat, 'muteUser', { name: 'bob', seconds: 1, reason: 'x' }, bearer)).code).toBe(
    'forbidden',
  );
  if (mode === 'optional') {
    // Muted is the account under whatever name it comes, and the name with whoever comes by it.
    const admin = { authorization: `Bearer ${secret}` };
    await app.http.call(chat, 'muteUser', { name: 'Ada_Lovelace', seconds: 600, reason: 'x' }, admin);
    for (const client of [known, twice]) {
      client.say('hello');
      expect(await client.hears('error')).toMatchObject({ code: 'muted' });
    }
    expect((await app.http.call(chat, 'postMessage', { text: 'hi' }, bearer)).code).toBe('muted');
    known.send({ type: 'exit' });
    await known.ended;
    await eventually(async () =>
      expect((await app.http.call(chat, 'postMessage', { name: 'ada_lovelace', text: 'hi' })).code).toBe('muted'),
    );
  }
  if (mode !== 'off') {
    await app.http.call(auth, 'logout', {}, bearer);
    for (const client of [known, twice, tcp]) await client.ended;
    expect(twice.of('bye')[0]?.code).toBe('token_invalid');
    // Who only listens hears no more, either.
    await eventually(async () => expect(listener.heard.at(-1)).toMatchObject({ type: 'bye', code: 'token_invalid' }));
    expect(id).toEqual(expect.any(String));
  }
  for (const client of [free, known, twice, tcp, wrong, stream, listener]) client.close();
});
