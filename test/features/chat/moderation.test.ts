import { ulid } from 'ulid';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { chatContract as chat } from '../../../src/features/chat/chat.api';
import { chatFeature } from '../../../src/features/chat/chat.module';
import { ChatRepository, type NewReport } from '../../../src/features/chat/chat.repository';
import { ChatRetention } from '../../../src/features/chat/chat.retention';
import type { ChatSettings } from '../../../src/features/chat/chat.settings';
import { Databases } from '../../../src/shared/db/databases';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { HandClock } from '../../support/hand-clock';
import { type Outcome, openApp, type TestApp, type Wire } from '../../support/wires';
import { GrpcClient, SseClient, TcpClient, WsClient } from './clients';

// The promise: moderators know whose account has said something and who has muted whom; what anybody may send for them is bounded,
// and what is kept of it ends.

const dayMs = 86_400_000;
const secret = 'the-internal-secret-of-this-very-test';
const moderator = { authorization: `Bearer ${secret}` };

describe.each(everyDatabase)('on $name', ({ create }) => {
  const clock = new HandClock();
  let database: TestDatabase;
  let databases: Databases;
  let repository: ChatRepository;

  beforeAll(async () => {
    database = await create();
    databases = new Databases({ poolMin: 1, poolMax: 8, connectTimeoutMs: 5000, queryTimeoutMs: 5000 });
    databases.register('chat', database.url, chatFeature.entities ?? [], chatFeature.migrations ?? []);
    await databases.connectAll();
    await databases.migrateAll();
    repository = new ChatRepository(databases, clock);
  });
  afterAll(async () => {
    await databases.closeAll();
    await database[Symbol.asyncDispose]();
  });

  const mute = (subject: string, mutedBy: string) => {
    const times = { mutedAt: clock.steady(), mutedUntil: clock.steady() + 1000 };
    return { subject, name: 'eve', canonical: 'eve', userId: '', reason: 'x', mutedBy, ...times };
  };
  const report = (createdAt: number): Promise<unknown> => {
    const what = { id: ulid(), room: 'lobby', epoch: ulid(), messageSeq: 1, reason: 'x', reporter: 'eve' };
    return repository.report({ ...what, createdAt, messages: '[]' } satisfies NewReport);
  };
  const retention = (reportDays: number): ChatRetention =>
    new ChatRetention(repository, clock, { reportDays } as ChatSettings);

  test('the same muted by eight moderators at once: one mute, and nobody is refused', async () => {
    const subjects = [ulid(), ulid()];
    const moderators = Array.from({ length: 8 }, (_, i) => `sub:${i}`);
    await Promise.all(moderators.map((by) => repository.mute(subjects.map((subject) => mute(subject, by)))));
    const active = await repository.activeMutes('', 100);
    expect(active.map(({ subject }) => subject)).toEqual([...subjects].sort());
    // The account and its name are muted by the same call.
    expect(new Set(active.map(({ mutedBy }) => mutedBy)).size).toBe(1);
  });

  test('reports go with their time, and the oldest where there are too many; mutes a day after their end', async () => {
    const now = clock.steady();
    for (const days of [12, 11, 9, 3, 2, 1]) await report(now - days * dayMs);
    await retention(10).prune();
    expect((await repository.reports(Number.MAX_SAFE_INTEGER, 100)).map(({ createdAt }) => createdAt)).toEqual(
      [1, 2, 3, 9].map((days) => now - days * dayMs),
    );
    await retention(10).prune(3);
    expect((await repository.reports(Number.MAX_SAFE_INTEGER, 100)).map(({ createdAt }) => createdAt)).toEqual(
      [1, 2, 3].map((days) => now - days * dayMs),
    );
    await repository.mute([mute('eve', 'internal')]);
    expect(await repository.pruneMutes(now + 1000, 100)).toBe(0);
    clock.at += dayMs + 2000;
    await retention(10).prune();
    expect(await repository.pruneMutes(clock.steady(), 100)).toBe(0);
    expect((await repository.reports(Number.MAX_SAFE_INTEGER, 100)).length).toBe(3);
  });
});

describe('with accounts', () => {
  let database: TestDatabase;
  let app: TestApp;
  let bearer: Record<string, string>;
  let userId: string;

  beforeAll(async () => {
    database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
    app = await openApp(database.url, { AUTH_REQUIRED: 'true', INTERNAL_API_SECRET: secret });
    const account = { name: 'Ada', email: 'ada@example.com', password: 'correct horse' };
    const { body } = await app.http.call(auth, 'register', account);
    bearer = { authorization: `Bearer ${String(body.accessToken)}` };
    userId = String((body.user as { id: string }).id);
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  test('what an account says has its id on every wire; what comes by a free name has none', async () => {
    const token = bearer.authorization?.slice('Bearer '.length);
    const room = 'badges';
    const hearers = [new WsClient(app.url), new GrpcClient(app.grpcAddress)];
    for (const [i, hearer] of hearers.entries()) await hearer.enter(`hearer${i}`, { room });
    const listener = await new SseClient().open(app.url, `/chat/stream?room=${room}&afterSeq=0`);
    const ada = new WsClient(app.url);
    await ada.opened;
    ada.send({ type: 'hello', token, room });
    expect(await ada.hears('welcome')).toMatchObject({ name: 'Ada', userId });
    ada.say('it is me');
    ada.whisper('hearer0', 'psst');
    const told = { from: 'Ada', text: 'it is me', userId };
    for (const hearer of [...hearers, listener]) expect(await heard(hearer, 'message')).toMatchObject(told);
    for (const hearer of hearers)
      expect(hearer.of('joined').find(({ name }) => name === 'Ada')).toMatchObject({ userId });
    expect(await hearers[0]?.hears('whisper')).toMatchObject({ from: 'Ada', userId });
    const guest = new TcpClient(app.ports.chat as number);
    await guest.enter('Ada-1');
    guest.send(`/join ${room}\n`);
    await guest.hears(`SYSTEM: you are in ${room}`);
    guest.say('no, me');
    const other = await hearers[0]?.hears('message', 2);
    expect(other).toMatchObject({ from: 'Ada-1' });
    expect(other).not.toHaveProperty('userId');
    const { body } = await app.http.call(chat, 'listChatUsers', { room });
    expect(body.users).toEqual([
      { name: 'Ada', room, userId },
      { name: 'Ada-1', room },
      { name: 'hearer0', room },
      { name: 'hearer1', room },
    ]);
    for (const client of [...hearers, listener, ada, guest]) client.close();
  });

  test('moderators are told the accounts in a report, and who has muted whom', async () => {
    const room = 'accounts';
    await app.http.call(chat, 'postMessage', { room, text: 'hello' }, bearer);
    await app.http.call(chat, 'reportMessage', { room, seq: 1, name: 'bob', reason: 'rude' });
    const { reports } = (await app.http.call(chat, 'listReports', {}, moderator)).body;
    expect(reports).toMatchObject([{ reporter: 'bob', messages: [{ from: 'Ada', userId }] }]);
    const sanction = { name: 'Ada', userId, seconds: 60, reason: 'rude' };
    const muted = await app.http.call(chat, 'muteUser', sanction, moderator);
    expect(muted.body).toMatchObject({ name: 'Ada', userId, mutedBy: 'internal' });
    await app.http.call(chat, 'unmuteUser', { name: 'Ada' }, moderator);
  });

  test.each(['http', 'grpc'] as const)('over %s an Idempotency-Key is the id of a post that has none', async (name) => {
    const wire: Wire = app[name];
    const room = `keys-${name}`;
    const key = { 'idempotency-key': `"${name}-1"` };
    const said = { room, name: 'zoe', text: 'once' };
    const first = await patiently(wire, 'postMessage', said, key);
    expect(first).toMatchObject({ code: 'ok', replayed: false, body: { seq: 1, id: `${name}-1` } });
    const again = await patiently(wire, 'postMessage', said, key);
    expect(again).toMatchObject({ code: 'ok', replayed: true, status: first.status });
    expect(again.body).toEqual(first.body);
    const other = await patiently(wire, 'postMessage', { ...said, text: 'twice' }, key);
    expect(other).toMatchObject({ code: 'idempotency_key_reused' });
    const own = await patiently(wire, 'postMessage', { ...said, id: 'mine', text: 'three' }, key);
    expect(own).toMatchObject({ code: 'ok', body: { seq: 2, id: 'mine' } });
    // A longer one stands for an id.
    const long = { 'idempotency-key': 'x'.repeat(255) };
    const four = await patiently(wire, 'postMessage', { ...said, text: 'four' }, long);
    expect(four.body).toMatchObject({ seq: 3, id: expect.stringMatching(/^[\w-]{43}$/) });
    expect((await patiently(wire, 'postMessage', { ...said, text: 'four' }, long)).replayed).toBe(true);
    const tooLong = await patiently(wire, 'postMessage', said, { 'idempotency-key': 'x'.repeat(256) });
    expect(tooLong).toMatchObject({ code: 'validation_failed', fields: ['Idempotency-Key'] });
    const { body } = await patiently(wire, 'listMessages', { room });
    expect((body.messages as { text: string }[]).map(({ text }) => text)).toEqual(['once', 'three', 'four']);
  });

  test('whoever takes the names of an account does not keep it out', async () => {
    const token = bearer.authorization?.slice('Bearer '.length);
    const squatters = await Promise.all(
      ['Ada', ...Array.from({ length: 8 }, (_, i) => `Ada-${i + 2}`)].map(async (name) => {
        const one = new WsClient(app.url);
        await one.enter(name);
        return one;
      }),
    );
    const devices = [new WsClient(app.url), new WsClient(app.url)];
    for (const device of devices) {
      await device.opened;
      device.send({ type: 'hello', token });
      expect((await device.hears('welcome')).name).toMatch(/^Ada-[0-9a-f]{6}$/);
    }
    const { body } = await patiently(app.http, 'postMessage', { room: 'squat', text: 'hi' }, bearer);
    expect(body).toMatchObject({ from: devices[0]?.of('welcome')[0]?.name, userId });
    for (const client of [...squatters, ...devices]) client.close();
    await eventually(async () => expect((await app.http.call(chat, 'listChatUsers', {})).body.users).toEqual([]));
  });

  test('a name is muted for whoever has no account, an account under all of its names, and both are freed at once', async () => {
    const call = (method: string, message: object): Promise<Outcome> => app.http.call(chat, method, message, moderator);
    const posts = async (message: object, headers = {}): Promise<string> =>
      (await patiently(app.http, 'postMessage', { room: 'mutes', text: 'hi', ...message }, headers)).code;
    const impostor = new WsClient(app.url);
    await impostor.enter('Ada');
    await call('muteUser', { name: 'Ada', seconds: 600, reason: 'impostor' });
    impostor.close();
    await eventually(async () => expect((await call('listChatUsers', {})).body.users).toEqual([]));
    expect([await posts({ name: 'ada' }), await posts({}, bearer)]).toEqual(['muted', 'ok']);
    await call('unmuteUser', { name: 'Ada' });
    const token = bearer.authorization?.slice('Bearer '.length);
    const devices = [new WsClient(app.url), new WsClient(app.url)];
    for (const device of devices) {
      await device.opened;
      device.send({ type: 'hello', token });
      await device.hears('welcome');
    }
    for (const name of ['Ada', 'Ada-2']) await call('muteUser', { name, seconds: 600, reason: name });
    expect((await call('listMutes', {})).body.mutes).toMatchObject([{ name: 'Ada-2', userId }]);
    expect([await posts({ name: 'elsewhere' }), await posts({}, bearer)]).toEqual(['ok', 'muted']);
    for (const device of devices) device.close();
    await eventually(async () => expect((await call('listChatUsers', {})).body.users).toEqual([]));
    await call('unmuteUser', { name: 'Ada-2' });
    expect([await posts({}, bearer), (await call('listMutes', {})).body.mutes]).toEqual(['ok', []]);
    // An account alone, which need not be here, and is told by its name.
    expect((await call('muteUser', { userId, seconds: 600, reason: 'x' })).body).toMatchObject({ name: 'Ada', userId });
    expect([await posts({ name: 'ada' }), await posts({}, bearer)]).toEqual(['ok', 'muted']);
    await call('unmuteUser', { name: 'Ada' });
    expect(await posts({}, bearer)).toBe('ok');
    expect(await call('muteUser', { seconds: 1, reason: 'x' })).toMatchObject({ fields: ['name'] });
    expect((await call('muteUser', { userId: 'nobody', seconds: 1, reason: 'x' })).code).toBe('user_not_found');
  });

  test('whoever is here without an account can report under the own name', async () => {
    const guest = new WsClient(app.url);
    await guest.enter('guest', { room: 'reporting' });
    guest.say('hello');
    const { seq } = await guest.hears('message');
    const report = { room: 'reporting', seq, name: 'guest', reason: 'my own' };
    expect(await app.http.call(chat, 'reportMessage', report)).toMatchObject({
      code: 'ok',
      body: { reporter: 'guest' },
    });
    guest.close();
  });

  test('an account sends ten reports a minute, whatever they are about', async () => {
    const said = { room: 'flood', text: 'hello' };
    const { body } = await app.http.call(chat, 'postMessage', said, bearer);
    const report = { room: 'flood', seq: body.seq, reason: 'x' };
    // The clock of the limiter goes as the test says: of calls there may be ten a second.
    const now = performance.now() + 1000;
    const clock = jest.spyOn(performance, 'now');
    try {
      const codes: string[] = [];
      for (let i = 0; i < 10; i += 1) {
        clock.mockReturnValue(now + i * 200);
        codes.push((await app.http.call(chat, 'reportMessage', report, bearer)).code);
      }
      clock.mockReturnValue(now + 3000);
      const eleventh = await app.http.call(chat, 'reportMessage', report, bearer);
      expect(codes).toEqual(Array(10).fill('ok'));
      expect(eleventh).toMatchObject({ code: 'slow_down', retryAfter: true });
      clock.mockReturnValue(now + 62_000);
      expect((await app.http.call(chat, 'reportMessage', report, bearer)).code).toBe('ok');
    } finally {
      clock.mockRestore();
    }
  });
});

async function heard(client: WsClient | GrpcClient | SseClient, type: string): Promise<unknown> {
  if (!(client instanceof SseClient)) return client.hears(type);
  for (;;) {
    const found = client.heard.find((one) => one.type === type);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Ten posts a second are let through; one that is refused was not said. */
async function patiently(wire: Wire, method: string, message: object, headers = {}): Promise<Outcome> {
  for (;;) {
    const outcome = await wire.call(chat, method, message, headers);
    if (outcome.code !== 'slow_down') return outcome;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
