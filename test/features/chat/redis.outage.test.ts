import Redis from 'ioredis';
import { chatContract as chat } from '../../../src/features/chat/chat.api';
import { ChatRedisStore } from '../../../src/features/chat/chat.redis-store';
import type { AppProcess } from '../../support/app';
import { eventually } from '../../support/eventually';
import { type RedisServer, redisCall, startRedis } from '../../support/redis';
import { HttpWire } from '../../support/wires';
import { TcpClient, WsClient } from './clients';
import { expectNoHole, startTwo, status, users } from './two';

// The promise: without Redis each process goes on for itself, and when Redis is back, with all that it had or without, nothing
// is said twice and nobody is forgotten.

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
