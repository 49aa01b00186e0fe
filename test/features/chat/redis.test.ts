import Redis from 'ioredis';
import { chatContract as chat } from '../../../src/features/chat/chat.api';
import { ChatRedisStore } from '../../../src/features/chat/chat.redis-store';
import { type AppProcess, startApp } from '../../support/app';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { type RedisServer, redisCall, startRedis } from '../../support/redis';
import { HttpWire } from '../../support/wires';
import { GrpcClient, type Heard, TcpClient, WsClient } from './clients';

// The promise: processes on one Redis have one conversation. One that dies takes its users with it and leaves no ghost; without
// Redis each goes on for itself, and when it is back nothing is said twice.

interface Two extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly one: AppProcess;
  readonly other: AppProcess;
}

async function startTwo(): Promise<Two> {
  const redis = await startRedis();
  const database = await everyDatabase[0]!.create();
  const env = { CHAT_PORT: '0', REDIS_URL: redis.url, LOG_LEVEL: 'info' };
  const [one, other] = await Promise.all([startApp({ env }), startApp({ env })]);
  const close = async (): Promise<void> => {
    for (const each of [one, other, redis, database]) await each[Symbol.asyncDispose]();
  };
  return { redis, one, other, [Symbol.asyncDispose]: close };
}

const users = async ({ url }: AppProcess): Promise<string[]> => {
  const { body } = await new HttpWire(url).call(chat, 'listChatUsers', {});
  return (body.users as { name: string }[]).map(({ name }) => name);
};

const status = async ({ url }: AppProcess): Promise<unknown> => {
  const report = (await (await fetch(`${url}/health/ready`)).json()) as { checks: Record<string, { status: string }> };
  return report.checks.chat?.status;
};

/** Numbers of one epoch follow each other, after whatever says where they stand; none comes twice. */
function expectNoHole(heard: readonly Heard[]): void {
  let [epoch, last] = ['', 0];
  const seen = new Set<string>();
  for (const { type, seq, epoch: of } of heard) {
    if (type === 'welcome' || type === 'room') [epoch, last] = [String(of), Number(seq)];
    if (type !== 'message') continue;
    expect([of, seq]).toEqual([epoch, last + 1]);
    expect(seen).not.toContain(`${of}:${seq}`);
    seen.add(`${of}:${seq}`);
    last += 1;
  }
}

test('one conversation: messages, names, whispers, rooms, history, deleted messages, ids', async () => {
  await using two = await startTwo();
  const { one, other } = two;
  const [ada, bob] = [new WsClient(one.url), new GrpcClient(other.grpcUrl.slice('grpc://'.length))];
  await ada.enter('ada');
  await bob.enter('bob');
  expect(await ada.hears('joined')).toMatchObject({ name: 'bob', room: 'lobby' });
  await eventually(async () =>
    expect([await users(one), await users(other)]).toEqual([
      ['ada', 'bob'],
      ['ada', 'bob'],
    ]),
  );
  const tcp = new TcpClient(other.chatPort as number);
  tcp.send('ADA\n');
  await tcp.hears('ERR username_taken');
  ada.say('hello', 'a-1');
  bob.say('hi');
  await Promise.all([ada.hears('message', 2), bob.hears('message', 2)]);
  const numbers = ({ seq, text, epoch }: Heard): unknown => [seq, text, epoch];
  expect(ada.of('message').map(numbers)).toEqual(bob.of('message').map(numbers));
  bob.whisper('ada', 'psst');
  expect(await ada.hears('whisper')).toMatchObject({ from: 'bob', text: 'psst' });
  // A retry that meets the other process.
  const post = (app: AppProcess, text: string) =>
    new HttpWire(app.url).call(chat, 'postMessage', { name: 'zoe', text, id: 'z-1' });
  const [first, again] = [await post(one, 'once'), await post(other, 'once')];
  expect([again.body.seq, again.body.epoch]).toEqual([first.body.seq, first.body.epoch]);
  expect((await post(other, 'other')).code).toBe('id_reused');
  const { body } = await new HttpWire(other.url).call(chat, 'listMessages', {});
  expect((body.messages as Heard[]).map(({ text }) => text).sort()).toEqual(['hello', 'hi', 'once']);
  await new HttpWire(one.url).call(chat, 'deleteMessage', { seq: first.body.seq });
  expect(await bob.hears('deleted')).toMatchObject({ seq: first.body.seq });
  expect(JSON.stringify(await redisCall(two.redis.url, 'LRANGE', '{aerie:chat}:log:lobby', 0, -1))).not.toContain(
    'once',
  );
  bob.send({ type: 'join', room: 'arena' });
  expect(await ada.hears('left')).toMatchObject({ name: 'bob' });
  for (const client of [ada, bob, tcp]) client.close();
  await eventually(async () => expect(await users(one)).toEqual([]));
});

test('both sides talk at once: all hear one order without a hole', async () => {
  await using two = await startTwo();
  const clients = [two.one, two.other].flatMap(({ url }) => [0, 1, 2].map(() => new WsClient(url)));
  await Promise.all(clients.map((client, i) => client.enter(`u${i}`)));
  for (let round = 0; round < 8; round += 1) {
    for (const client of clients) client.say(`r${round}`);
    await new Promise((resolve) => setTimeout(resolve, 130));
  }
  await eventually(async () => {
    for (const client of clients) expect(client.of('message').length).toBe(48);
  });
  for (const client of clients) {
    expectNoHole(client.heard);
    expect(client.said()).toEqual(clients[0]?.said());
  }
  for (const client of clients) client.close();
});

test('a process that is killed takes its users with it, and their names are free', async () => {
  await using two = await startTwo();
  const [ada, bob] = [new WsClient(two.one.url), new WsClient(two.other.url)];
  await ada.enter('ada');
  await bob.enter('bob');
  await ada.hears('joined');
  await two.other.kill('SIGKILL');
  expect(await ada.hears('left')).toMatchObject({ name: 'bob', room: 'lobby' });
  expect(await users(two.one)).toEqual(['ada']);
  const again = new WsClient(two.one.url);
  await again.enter('bob');
  for (const client of [ada, bob, again]) client.close();
});

test('a process that stood still says nothing under a name that is somebody else\u2019s by now', async () => {
  await using two = await startTwo();
  const [ada, bob] = [new WsClient(two.one.url), new WsClient(two.other.url)];
  await ada.enter('ada');
  await bob.enter('bob');
  await ada.hears('joined');
  process.kill(two.other.pid, 'SIGSTOP');
  await ada.hears('left');
  const again = new WsClient(two.one.url);
  await again.enter('bob');
  bob.say('I stood still');
  process.kill(two.other.pid, 'SIGCONT');
  await bob.ended;
  again.say('me');
  await ada.hears('message');
  expect(ada.said()).toEqual(['bob: me']);
  for (const client of [ada, bob, again]) client.close();
});

test.each([
  [
    'killed, and empty when it is back',
    async (redis: RedisServer) => redis.kill(),
    async (redis: RedisServer) => redis.start(),
  ],
  ['frozen', async (redis: RedisServer) => redis.freeze(), async (redis: RedisServer) => redis.resume()],
])(
  'Redis is %s: each goes on for itself, and then all together, with nothing twice',
  async (_what, cut, heal) => {
    await using two = await startTwo();
    const { one, other, redis } = two;
    const [ada, bob] = [new WsClient(one.url), new WsClient(other.url)];
    await ada.enter('ada');
    await bob.enter('bob');
    await ada.hears('joined');
    ada.say('before');
    await bob.hears('message');
    await cut(redis);
    ada.say('alone', 'a-2');
    await eventually(async () => expect(ada.said()).toEqual(['ada: before', 'ada: alone']));
    await eventually(async () => expect([await status(one), await status(other)]).toEqual(['degraded', 'degraded']));
    // Of two who take a name while nobody can know, one has to go.
    const [first, second] = [new WsClient(one.url), new WsClient(other.url)];
    await first.enter('mel');
    await second.enter('mel');
    bob.say('here, too');
    await eventually(async () => expect(bob.said()).toEqual(['ada: before', 'bob: here, too']));
    await heal(redis);
    await eventually(async () => expect([await status(one), await status(other)]).toEqual(['healthy', 'healthy']));
    await Promise.race([first.ended, second.ended]);
    ada.say('after');
    await eventually(async () => {
      expect(ada.said().at(-1)).toBe('ada: after');
      expect(bob.said().at(-1)).toBe('ada: after');
    });
    await eventually(async () => expect(await users(one)).toEqual(['ada', 'bob', 'mel']));
    await eventually(async () => expect(await users(other)).toEqual(['ada', 'bob', 'mel']));
    // A retry of what was said without Redis is one, although Redis knows nothing of it.
    ada.say('alone', 'a-2');
    expect(await ada.hears('said')).toMatchObject({ id: 'a-2', duplicate: true });
    for (const client of [ada, bob]) {
      expectNoHole(client.heard);
      const said = client.said();
      expect(new Set(said).size).toBe(said.length);
    }
    for (const client of [ada, bob, first, second]) client.close();
  },
  120_000,
);

test('Redis forgets a room: the next message is heard by all, and deletions wait for Redis', async () => {
  await using two = await startTwo();
  const [ada, bob, tcp] = [
    new WsClient(two.one.url),
    new WsClient(two.other.url),
    new TcpClient(two.one.chatPort as number),
  ];
  await ada.enter('ada');
  await bob.enter('bob');
  await tcp.enter('tcp');
  ada.say('one');
  await bob.hears('message');
  for (const kind of ['room', 'log', 'ids']) await redisCall(two.redis.url, 'DEL', `{aerie:chat}:${kind}:lobby`);
  bob.say('two');
  for (const client of [ada, bob]) {
    await client.hears('message', 2);
    expectNoHole(client.heard);
  }
  await tcp.hears('bob: two');
  two.redis.freeze();
  const deletion = { seq: Number(ada.of('message').at(-1)?.seq) };
  await eventually(async () => expect(await status(two.one)).toBe('degraded'));
  expect((await new HttpWire(two.one.url).call(chat, 'deleteMessage', deletion)).code).not.toBe('ok');
  ada.whisper('bob', 'psst');
  expect(await ada.hears('error')).toMatchObject({ code: 'unavailable' });
  two.redis.resume();
  for (const client of [ada, bob, tcp]) client.close();
});

test('of two who take one name at the same moment one has it, and all processes say the same', async () => {
  await using two = await startTwo();
  const pairs = Array.from(
    { length: 30 },
    (_, i) => [new WsClient(two.one.url), new WsClient(two.other.url), `race${i}`] as const,
  );
  await Promise.all(pairs.flatMap(([one, other]) => [one.opened, other.opened]));
  for (const [one, other, name] of pairs) {
    one.send({ type: 'hello', name });
    other.send({ type: 'hello', name });
  }
  const decided = (client: WsClient): number => client.of('welcome').length + client.of('error').length;
  await eventually(async () => {
    for (const [one, other] of pairs) expect([decided(one), decided(other)]).toEqual([1, 1]);
  });
  for (const [one, other] of pairs) expect(one.of('welcome').length + other.of('welcome').length).toBe(1);
  const all = async (app: AppProcess): Promise<unknown> =>
    ((await new HttpWire(app.url).call(chat, 'listChatUsers', { pageSize: 100 })).body.users as unknown[]).length;
  await eventually(async () => expect([await all(two.one), await all(two.other)]).toEqual([30, 30]));
  for (const [one, other] of pairs) for (const client of [one, other]) client.close();
  await eventually(async () => expect([await all(two.one), await all(two.other)]).toEqual([0, 0]));
  const late = new TcpClient(two.one.chatPort as number);
  await late.enter('late');
  late.send('/users\n');
  await late.hears('USERS: late');
  late.close();
});

test('what was deleted while a process heard no news is deleted there, too', async () => {
  await using two = await startTwo();
  const [ada, bob] = [new WsClient(two.one.url), new WsClient(two.other.url)];
  await ada.enter('ada');
  await bob.enter('bob');
  ada.say('rude');
  await bob.hears('message');
  const read = async ({ url }: AppProcess): Promise<unknown> => {
    const { body } = await new HttpWire(url).call(chat, 'listMessages', {});
    return (body.messages as unknown[])[0];
  };
  for (let round = 0; round < 3; round += 1) await redisCall(two.redis.url, 'CLIENT', 'KILL', 'TYPE', 'pubsub');
  const deleted = await new HttpWire(two.other.url).call(chat, 'deleteMessage', { seq: 1 });
  expect(deleted.code).toBe('ok');
  for (const app of [two.one, two.other])
    await eventually(async () => expect(await read(app)).toMatchObject({ seq: 1, text: '', deleted: true }));
  for (const client of [ada, bob]) expect(await client.hears('deleted')).toMatchObject({ seq: 1 });
  for (const client of [ada, bob]) client.close();
});

test('a retry is one, though it comes to another process: of a whisper, and of what was said without Redis', async () => {
  await using two = await startTwo();
  const { one, other, redis } = two;
  const [bob, listener] = [new WsClient(one.url), new WsClient(one.url)];
  await bob.enter('bob');
  await listener.enter('listener');
  const again = async (name: string, before: WsClient): Promise<WsClient> => {
    before.close();
    const client = new WsClient(other.url);
    await client.opened;
    await eventually(async () => expect(await users(other)).not.toContain(name));
    await client.enter(name);
    return client;
  };
  const wendy = new WsClient(one.url);
  await wendy.enter('wendy');
  const whisper = { type: 'whisper', to: 'bob', text: 'pay me', id: 'wh-1' };
  wendy.send(whisper);
  await wendy.hears('whisper');
  const elsewhere = await again('wendy', wendy);
  elsewhere.send(whisper);
  await elsewhere.hears('whisper');
  const al = new WsClient(one.url);
  await al.enter('al');
  redis.freeze();
  await eventually(async () => expect(await status(one)).toBe('degraded'));
  al.say('alone', 'ia-1');
  await listener.hears('message');
  redis.resume();
  await eventually(async () => expect([await status(one), await status(other)]).toEqual(['healthy', 'healthy']));
  const back = await again('al', al);
  back.say('alone', 'ia-1');
  expect(await back.hears('said')).toMatchObject({ id: 'ia-1', duplicate: true });
  back.say('the end');
  await eventually(async () => expect(listener.said()).toEqual(['al: alone', 'al: the end']));
  expect(bob.of('whisper')).toHaveLength(1);
  for (const client of [bob, listener, elsewhere, back]) client.close();
});

test('a room in which nothing is said is kept in Redis while somebody is in it, and not for longer', async () => {
  await using redis = await startRedis();
  const client = new Redis(redis.url);
  const store = new ChatRedisStore(client, 'L', 5000);
  const ttl = (room: string): Promise<number> => client.ttl(`{aerie:chat}:room:${room}`);
  const { epoch } = await store.room('silent', true);
  expect(await ttl('silent')).toBeLessThanOrEqual(90);
  await client.expire('{aerie:chat}:room:silent', 5);
  await store.touch(['silent', 'nowhere']);
  expect(await ttl('silent')).toBeGreaterThan(60);
  expect(await client.exists('{aerie:chat}:room:nowhere')).toBe(0);
  expect((await store.room('silent', true)).epoch).toBe(epoch);
  const said = { uid: 'u', from: 'ada', canonical: 'ada', text: 'hi', at: 0 };
  await store.publish('silent', said, false);
  await store.touch(['silent']);
  expect(await ttl('silent')).toBeGreaterThan(86_400);
  client.disconnect();
});

test('a life that comes back to an empty Redis has no version that others know it by', async () => {
  await using redis = await startRedis();
  const client = new Redis(redis.url);
  const store = new ChatRedisStore(client, 'L', 5000);
  const present = { name: 'ada', canonical: 'ada', room: 'lobby' };
  const versions = new Set<number | undefined>();
  for (let i = 0; i < 5; i += 1) {
    await redisCall(redis.url, 'FLUSHALL');
    await store.beat(5000);
    expect(await store.comeBack(['ada', 'bob'], new Map([['ada', present]]))).toEqual([true, true]);
    expect(await store.users('L')).toEqual(new Map([['ada', present]]));
    versions.add((await store.beat(5000)).lives.get('L'));
    await store.present({ ...present, name: 'bob', canonical: 'bob' });
    versions.add((await store.beat(5000)).lives.get('L'));
  }
  client.disconnect();
  expect(versions.size).toBe(10);
});

test('Redis forgets everything: names and people are told to it again', async () => {
  await using two = await startTwo();
  const [ada, bob] = [new WsClient(two.one.url), new WsClient(two.other.url)];
  await ada.enter('ada');
  await bob.enter('bob');
  await redisCall(two.redis.url, 'FLUSHALL');
  const taken = async (): Promise<void> => {
    const late = new WsClient(two.other.url);
    await late.opened;
    late.send({ type: 'hello', name: 'ada' });
    expect(await late.hears('error')).toMatchObject({ code: 'username_taken' });
    late.close();
  };
  await eventually(async () => expect(await redisCall(two.redis.url, 'HLEN', '{aerie:chat}:names')).toBe(2));
  await taken();
  ada.say('still one conversation');
  await eventually(async () => expect(bob.said()).toEqual(['ada: still one conversation']));
  expectNoHole(ada.heard);
  expectNoHole(bob.heard);
  for (const client of [ada, bob]) client.close();
});
