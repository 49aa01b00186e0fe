import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { type AppProcess, startApp } from '../support/app';
import { everyDatabase } from '../support/databases';
import { randomEvent } from '../support/events';
import { eventually } from '../support/eventually';
import { refuseNobody } from '../support/fairness';
import { startRedis } from '../support/redis';
import { signed } from '../support/signed';
import { environmentOf, placedFreely, sharedEnvironment } from '../support/split';
import { HttpWire } from '../support/wires';
import { Ledger } from './senders';
import { verifyLedger } from './verify-ledger';

// ISSUE 11, must hold 7: every process is restarted in turn under 300 events a second. No request fails, nothing is lost.

const players = 20;
const everyMs = 10;
const eventsAtOnce = 3;
const postgres = everyDatabase.find(({ name }) => name === 'postgres') as (typeof everyDatabase)[number];

/** What a balancer does: asks each gateway whether it is ready, and sends requests to those that are. */
class Balancer {
  private readonly ready = new Map<string, HttpWire>();
  private turn = 0;
  private stopped = false;
  private readonly polling: Promise<unknown>;

  constructor(urls: readonly string[]) {
    this.polling = Promise.all(urls.map((url) => this.poll(url)));
  }

  next(): HttpWire {
    this.turn += 1;
    const wire = [...this.ready.values()][this.turn % Math.max(1, this.ready.size)];
    if (!wire) throw new Error('No gateway is ready');
    return wire;
  }

  get size(): number {
    return this.ready.size;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.polling;
  }

  private async poll(url: string): Promise<void> {
    while (!this.stopped) {
      if (await isReady(url)) this.ready.set(url, this.ready.get(url) ?? new HttpWire(url));
      else this.ready.delete(url);
      await sleep(50);
    }
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(`${url}/health/ready`, { headersTimeout: 1000 });
    await body.dump();
    return statusCode === 200;
  } catch {
    // Nobody listens, or answers.
    return false;
  }
}

/** Sends events and reads until it is stopped; what fails is told. */
class Load {
  readonly failures: string[] = [];
  private readonly going = new Set<Promise<void>>();
  private stopped = false;
  private readonly running: Promise<void>;

  constructor(
    private readonly balancer: Balancer,
    private readonly ledger: Ledger,
  ) {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
    await Promise.all(this.going);
  }

  private async run(): Promise<void> {
    for (let round = 0; !this.stopped; round += 1) {
      for (let i = 0; i < eventsAtOnce; i += 1) this.start(this.send());
      if (round % 10 === 0) this.start(this.read(`/players/player-${round % players}/progress`, [200, 404]));
      if (round % 10 === 5) this.start(this.read('/leaderboard?window=daily', [200]));
      await sleep(everyMs);
    }
  }

  private start(work: Promise<void>): void {
    const told = work
      .catch((error: unknown) => void this.failures.push(String(error)))
      .finally(() => this.going.delete(told));
    this.going.add(told);
  }

  private async send(): Promise<void> {
    const event = randomEvent(players);
    this.ledger.events.push(event);
    const { id, ...body } = event;
    const { code, body: answer } = await this.balancer.next().call(gateway, 'ingest', signed(id, body));
    if (code !== 'ok') this.failures.push(`event: ${code} ${JSON.stringify(answer)}`);
    this.ledger.told(id, String(answer.status), code);
  }

  private async read(path: string, expected: readonly number[]): Promise<void> {
    const { status, code } = await this.balancer.next().send('GET', path, {});
    if (!expected.includes(status)) this.failures.push(`${path}: ${code}`);
  }
}

test('every process is restarted in turn: no request fails, and each event has its effect once', async () => {
  await using database = await postgres.create();
  await using redis = await startRedis();
  const placed = await placedFreely({ gateway: 2, fairness: 2, progression: 2, leaderboard: 2, accounts: 0 });
  const shared = {
    ...sharedEnvironment(database.url, redis.url),
    LOCK_TYPE: 'memory',
    LOG_LEVEL: 'info',
    // As it is by default; the tests' is shorter.
    SHUTDOWN_DRAIN_MS: '2000',
  };
  const start = (i: number): Promise<AppProcess> => {
    const part = placed[i] as (typeof placed)[number];
    return startApp({ databaseUrl: database.url, env: { ...shared, ...environmentOf(part, placed) } });
  };
  const apps: AppProcess[] = [];
  for (const [i] of placed.entries()) apps.push(await start(i));
  const urls = apps.slice(0, 2).map(({ url }) => url);
  await refuseNobody(urls[0] ?? '');
  const balancer = new Balancer(urls);
  await eventually(async () => expect(balancer.size).toBe(2));
  const ledger = new Ledger(players);
  const load = new Load(balancer, ledger);
  try {
    for (const [i, { name }] of placed.entries()) {
      await sleep(500);
      expect([name, await apps[i]?.stop()]).toEqual([name, 0]);
      await apps[i]?.[Symbol.asyncDispose]();
      apps[i] = await start(i);
      await eventually(async () => expect(balancer.size).toBe(2));
    }
    await sleep(1000);
    await load.stop();
    expect(load.failures).toEqual([]);
    await eventually(() => verifyLedger(urls[0] ?? '', ledger), 60_000);
  } finally {
    await load.stop();
    await balancer.stop();
    for (const app of apps) await app[Symbol.asyncDispose]();
  }
}, 600_000);
