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

/** The application, and Ada's token. */
async function openWithAda(mode: string) {
  const database = await everyDatabase[0]!.create();
  const env = { CHAT_PORT: '0', CHAT_AUTH: mode, AUTH_REQUIRED: 'true', INTERNAL_API_SECRET: secret };
  const app = await openApp(database.url, env);
  const { body } = await app.http.call(auth, 'register', { name: 'Ada Lovelace', email, password });
  const token = String(body.accessToken);
  const close = async (): Promise<void> => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  };
  return { app, token, bearer: { authorization: `Bearer ${token}` }, [Symbol.asyncDispose]: close };
}

async function greeted(app: TestApp, hello: Record<string, unknown>, protocols: string[] = []): Promise<WsClient> {
  const client = new WsClient(app.url, protocols);
  await client.opened;
  client.send({ type: 'hello', ...hello });
  return client;
}

test.each(['off', 'optional', 'required'] as const)('CHAT_AUTH=%s: who is who', async (mode) => {
  await using opened = await openWithAda(mode);
  const { app, token, bearer } = opened;
  const [isOff, isRequired] = [mode === 'off', mode === 'required'];
  const free = await greeted(app, { name: 'bob' });
  if (isRequired) expect(await free.hears('error')).toMatchObject({ code: 'token_invalid' });
  else expect((await free.hears('welcome')).name).toBe('bob');
  const known = await greeted(app, { name: 'carl', token });
  expect((await known.hears('welcome')).name).toBe(isOff ? 'carl' : 'Ada_Lovelace');
  const twice = await greeted(app, { name: 'dora' }, ['aerie.chat', `bearer.${token}`]);
  expect((await twice.hears('welcome')).name).toBe(isOff ? 'dora' : 'Ada_Lovelace-2');
  const tcp = new TcpClient(app.ports.chat as number);
  tcp.send(`/token ${token}\n`);
  await tcp.hears(isOff ? 'ERR username_invalid' : 'OK');
  const nobody = new TcpClient(app.ports.chat as number);
  nobody.send(`nobody\n`);
  await nobody.hears(isRequired ? 'ERR register_failed' : 'OK');
  nobody.close();
  const wrong = await greeted(app, { name: 'eve', token: `${token}x` });
  expect((await wrong.hears(isOff ? 'welcome' : 'error')).code ?? '').toBe(isOff ? '' : 'token_invalid');
  expect((await app.http.call(chat, 'listMessages', {})).code).toBe(isRequired ? 'token_invalid' : 'ok');
  const stream = await new SseClient().open(app.url);
  expect(stream.status).toBe(isRequired ? 401 : 200);
  const posted = await app.http.call(chat, 'postMessage', { name: 'zoe', text: 'hi' }, bearer);
  expect(posted.body.from).toBe(isOff ? 'zoe' : 'Ada_Lovelace');
  const users = (await app.http.call(chat, 'listChatUsers', {}, bearer)).body.users as Record<string, unknown>[];
  expect(users.filter(({ userId }) => userId !== undefined).map(({ name }) => name)).toEqual(
    isOff ? [] : ['Ada_Lovelace', 'Ada_Lovelace-2', 'Ada_Lovelace-3'],
  );
  const mute = { name: 'bob', seconds: 1, reason: 'x' };
  expect((await app.http.call(chat, 'muteUser', mute, bearer)).code).toBe('forbidden');
  for (const client of [free, known, twice, tcp, wrong, stream]) client.close();
});

test('an account that is muted is so under every name, and its name with whoever comes by it; a token that ends ends all', async () => {
  await using opened = await openWithAda('optional');
  const { app, token, bearer } = opened;
  const [known, twice] = [await greeted(app, { token }), await greeted(app, { token })];
  for (const client of [known, twice]) await client.hears('welcome');
  const listener = await new SseClient().open(app.url, '/chat/stream', bearer);
  const mute = { name: 'Ada_Lovelace', seconds: 600, reason: 'x' };
  await app.http.call(chat, 'muteUser', mute, { authorization: `Bearer ${secret}` });
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
  await app.http.call(auth, 'logout', {}, bearer);
  await twice.ended;
  expect(twice.of('bye')[0]?.code).toBe('token_invalid');
  // Who only listens hears no more, either.
  await eventually(async () => expect(listener.heard.at(-1)).toMatchObject({ type: 'bye', code: 'token_invalid' }));
});
