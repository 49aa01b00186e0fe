import { PinoLogger } from 'nestjs-pino';
import { MemoryPresence } from '../../../src/features/queue/queue.memory-presence';
import type { QueuePresence } from '../../../src/features/queue/queue.presence';
import { RedisPresence } from '../../../src/features/queue/queue.redis-presence';
import { RedisClients } from '../../../src/shared/redis/redis.clients';
import { RedisPatience } from '../../../src/shared/redis/redis.patience';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { HandClock } from '../../support/hand-clock';
import { recordingLogger } from '../../support/recording-logger';
import { type RedisServer, redisCall, startRedis, waitPatiently } from '../../support/redis';
import { codeOf, type Hall, newSale, openWorld, type World } from './hall';

// Who is present: what one process, or all of them, have been asked lately.

const who = (ticketHash: string, saleId = 'sale') => ({ saleId, ticketHash });
const longMs = 100_000;

let server: RedisServer;
let clients: RedisClients;

beforeAll(async () => {
  server = await startRedis();
  clients = new RedisClients(recordingLogger().logger as PinoLogger);
});
afterAll(async () => {
  await clients.onApplicationShutdown();
  await server[Symbol.asyncDispose]();
});

// However slow the machine is, Redis is waited for.
const inRedis = async (clock = new HandClock()): Promise<QueuePresence> =>
  new RedisPresence(
    waitPatiently(await clients.open(server.url)),
    new MemoryPresence(clock),
    new RedisPatience(60_000),
  );

describe.each([
  ['memory', async () => new MemoryPresence(new HandClock())],
  ['redis', () => inRedis()],
] as const)('in %s', (_name, open) => {
  let presence: QueuePresence;

  beforeAll(async () => {
    presence = await open();
  });

  test('who was seen is present, of each sale by itself', async () => {
    presence.see(who('a'), longMs);
    presence.see(who('b'), longMs);
    presence.see(who('c', 'another'), longMs);
    await presence.flush();
    expect(await presence.among('sale', ['c', 'b', 'a', 'x'])).toEqual(new Set(['b', 'a']));
    expect([await presence.count('sale'), await presence.count('another'), await presence.count('none')]).toEqual([
      ...[2, 1, 0],
    ]);
  });

  test('seen again, for a shorter time too, it is no less present', async () => {
    presence.see(who('a'), longMs);
    presence.see(who('a'), 1);
    await presence.flush();
    expect(await presence.among('sale', ['a'])).toEqual(new Set(['a']));
  });
});

test('in memory it ends when its time is over', async () => {
  const clock = new HandClock();
  const presence = new MemoryPresence(clock);
  presence.see(who('a'), 1000);
  clock.at = 999;
  expect(await presence.count('sale')).toBe(1);
  clock.at = 1000;
  expect([await presence.count('sale'), (await presence.among('sale', ['a'])).size]).toEqual([0, 0]);
});

test('in Redis it ends by the clock of Redis, and thousands at once are asked in parts', async () => {
  const presence = await inRedis();
  const many = Array.from({ length: 2500 }, (_, i) => `t${i}`);
  for (const hash of many) presence.see(who(hash, 'many'), longMs);
  presence.see(who('short', 'many'), 1);
  await presence.flush();
  expect((await presence.among('many', many)).size).toBe(2500);
  await eventually(async () => expect((await presence.among('many', ['short'])).size).toBe(0));
});

describe.each(everyDatabase.slice(0, 1))('on $name, two processes with one Redis', ({ create }) => {
  let place: TestDatabase;
  let world: World;
  let [one, two] = [] as unknown as [Hall, Hall];

  beforeAll(async () => {
    place = await create();
    world = await openWorld(place);
    one = await world.open(await inRedis(world.clock));
    two = await world.open(await inRedis(world.clock));
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  test('who asks one process is called by the other; wiped, Redis costs nobody the number', async () => {
    const saleId = newSale(world, { queue: { activePlaces: 1 }, state: 'paused' });
    const ada = await one.join(saleId, 'ada');
    const bob = await two.join(saleId, 'bob');
    world.sales.change(saleId, { state: 'open' });
    world.clock.at += 3000;
    await one.presence.flush();
    await two.presence.flush();
    await redisCall(server.url, 'FLUSHALL');
    // Nobody is known to be present, and nobody is called.
    await two.round(saleId);
    await two.rooms.refreshed(saleId);
    expect((await two.status(bob.ticket)).number).toBe(2);
    await one.status(ada.ticket);
    await one.presence.flush();
    await two.round(saleId);
    await one.rooms.refreshed(saleId);
    expect(await one.status(ada.ticket)).toMatchObject({ status: 'ready', number: 1 });
    expect(await codeOf(one.enter('ada', ada.ticket))).toBe('ok');
  });

  test('while Redis is away each process calls those who ask it', async () => {
    const gone = await startRedis();
    const presence = new RedisPresence(await clients.open(gone.url), new MemoryPresence(world.clock));
    await gone[Symbol.asyncDispose]();
    const hall = await world.open(presence);
    const saleId = newSale(world, { queue: { activePlaces: 1 } });
    const cleo = await hall.join(saleId, 'cleo');
    await hall.round(saleId);
    expect((await hall.status(cleo.ticket)).status).toBe('ready');
    expect(await presence.count(saleId)).toBe(1);
  });
});
