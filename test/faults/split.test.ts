import { setTimeout as sleep } from 'node:timers/promises';
import { type AppProcess, startApp } from '../support/app';
import { eventually } from '../support/eventually';
import { refuseNobody } from '../support/fairness';
import { metricSum } from '../support/metrics';
import { type RedisServer, redisCall, startRedis } from '../support/redis';
import { createDatabase, type DatabaseServer, startMariadb, startPostgres } from '../support/servers';
import { environmentOf, eventsAlone, type Placed, placedFreely, sharedEnvironment } from '../support/split';
import { type SplitBus, startSplitBus } from '../support/split-bus';
import { Ledger, Senders } from './senders';
import { verifyLedger } from './verify-ledger';

// ISSUE 11, must hold 1: the system as seven processes. Any of them, Redis and the database are killed at random; nothing
// that was accepted is missing or doubled within 60 s after all is up again. TEST_BROKERS=sqs: their bus is SQS, killed, too.

const disasters = 10;
const players = 20;
const healedMs = 60_000;

/** A process of the system, which can be killed and comes back at the same address. */
class Part {
  private app: AppProcess | undefined;

  constructor(
    readonly placed: Placed,
    private readonly start: () => Promise<AppProcess>,
  ) {}

  get running(): AppProcess {
    if (!this.app) throw new Error(`${this.placed.name} does not run`);
    return this.app;
  }

  async begin(): Promise<void> {
    this.app = await this.start();
  }

  async restart(): Promise<void> {
    await this.close();
    await this.begin();
  }

  async close(): Promise<void> {
    await this.app?.[Symbol.asyncDispose]();
  }
}

async function startAll(databaseUrl: string, redisUrl: string, bus: SplitBus): Promise<Part[]> {
  const placed = await placedFreely({ gateway: 2, progression: 2, leaderboard: 2, ...eventsAlone });
  const own = { LOCK_TYPE: 'memory', LOG_LEVEL: 'info', ...bus.environment };
  const shared = { ...sharedEnvironment(databaseUrl, redisUrl), ...own };
  const parts = placed.map(
    (one) => new Part(one, () => startApp({ databaseUrl, env: { ...shared, ...environmentOf(one, placed) } })),
  );
  // One after another: so many at once would need minutes on a small machine.
  for (const part of parts) await part.begin();
  return parts;
}

interface System {
  readonly parts: readonly Part[];
  readonly database: DatabaseServer;
  readonly redis: RedisServer;
  readonly bus: SplitBus;
}

/** What goes wrong, by its name. */
function ways({ parts, database, redis, bus }: System): [string, () => Promise<unknown>][] {
  const outage = (server: DatabaseServer) => async () => {
    await server.kill();
    await sleep(500);
    await server.start();
  };
  return [
    ...parts.map((part): [string, () => Promise<unknown>] => [part.placed.name, () => part.restart()]),
    ['Redis', outage(redis)],
    ['FLUSHALL', () => redisCall(redis.url, 'FLUSHALL')],
    ['the database', outage(database)],
    ...bus.places.flatMap(({ name, server, wipe }): [string, () => Promise<unknown>][] => [
      [name, outage(server)],
      [`all in ${name}`, wipe],
    ]),
  ];
}

/** News comes over this bus; without any the log would bring it, only later. */
async function hearsOver(kind: string, parts: readonly Part[]): Promise<void> {
  const hearing = parts.filter(({ placed }) => placed.name === 'progression');
  const sample = `bus_messages_total{bus="${kind}",outcome="handled"}`;
  const heard = await Promise.all(hearing.map(({ running }) => metricSum(running.url, sample)));
  expect(Math.max(...heard)).toBeGreaterThan(0);
}

test.each([
  ['postgres', startPostgres],
  ['mysql', startMariadb],
] as const)(
  '%s and Redis: whatever is killed, what was accepted has its effect once',
  async (_name, startServer) => {
    await using database = await startServer();
    await using redis = await startRedis();
    await using bus = await startSplitBus();
    const parts = await startAll(await createDatabase(database.url), redis.url, bus);
    const gateways = parts.filter(({ placed }) => placed.name === 'gateway').map(({ running }) => running);
    const ledger = new Ledger(players);
    const url = gateways[0]?.url ?? '';
    await refuseNobody(url);
    const senders = gateways.map(
      (gateway) => new Senders({ url: gateway.url, grpcAddress: gateway.grpcUrl.slice('grpc://'.length) }, ledger),
    );
    try {
      await eventually(() => hearsOver(bus.kind, parts));
      const all = ways({ parts, database, redis, bus });
      const drawn = [...all].sort(() => Math.random() - 0.5).slice(0, disasters);
      for (const [name, strike] of drawn) {
        await sleep(Math.random() * 800);
        await strike().catch((error: unknown) => {
          throw new Error(`${name} did not come back (${drawn.map(([one]) => one)})`, { cause: error });
        });
      }
      for (const one of senders) await one.stop();
      await eventually(() => senders[0]?.sendAll() ?? Promise.reject(), 120_000);
      await eventually(() => verifyLedger(url, ledger), healedMs);
    } finally {
      for (const one of senders) {
        await one.stop();
        one.close();
      }
      for (const part of parts) await part.close();
    }
  },
  900_000,
);
