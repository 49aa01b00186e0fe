import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { PinoLogger } from 'nestjs-pino';
import { guarded } from '../async/guarded';
import { Seldom } from '../async/seldom';
import { within } from '../async/within';
import { Config } from '../config/config';
import { parseRedisUrl, type RedisAddress, shownRedis } from '../config/redis-url';
import { type CheckResult, healthySince, Readiness } from '../health/readiness';
import { scrub } from '../logging/redaction';
import { connections, type RedisClient } from './redis.client';
import { RedisHeartbeat } from './redis.heartbeat';
import { clusterOptions, commandTimeoutMs, isDatabaseRefused, serverOptions } from './redis.options';
import { traceCommands } from './redis.spans';

interface Opened {
  readonly client: RedisClient;
  readonly heartbeat: RedisHeartbeat;
  readonly state: State;
}

/** What is known of a client's connection. */
interface State {
  /** Something has been told of it that ends with the next connection. */
  troubled: boolean;
  /** It has refused the database since this connection began. */
  closing: boolean;
  /** Why it cannot be used, where more is known than that it does not answer. */
  reason: string | undefined;
}

const pingLimitMs = 500;
const quitLimitMs = 500;
const tellEveryMs = 30_000;
const databaseRefused = 'does not let us use the database whose number its URL names';

/**
 * The one place that makes Redis clients. `main` is the client of REDIS_URL, shared by all who have no reason for their
 * own. Everything in Redis may be gone at any instant, and Redis itself: who asks it has another way to answer.
 */
@Injectable()
export class RedisClients implements OnApplicationShutdown {
  private opened: Opened[] = [];
  private first: RedisClient | undefined;

  constructor(private readonly logger: PinoLogger) {}

  /** With a `main` and a readiness check when the configuration names a Redis. It need not be up. */
  static async create(config: Config, logger: PinoLogger, readiness: Readiness): Promise<RedisClients> {
    const clients = new RedisClients(logger);
    if (config.redisUrl === undefined) return clients;
    const main = await clients.open(config.redisUrl);
    clients.first = main;
    readiness.add('redis', () => clients.check([main], 1));
    return clients;
  }

  get main(): RedisClient | undefined {
    return this.first;
  }

  /**
   * Another client, closed with the application. Waits a second at most for the first connection.
   * @throws AddressError when the URL cannot be used, never because nobody answers there
   */
  async open(url: string): Promise<RedisClient> {
    const address = parseRedisUrl(url);
    // Loaded only where there is a Redis: it takes as long as a tenth of the start.
    const { default: ioredis } = await import('ioredis');
    const client: RedisClient =
      address.kind === 'cluster'
        ? new ioredis.Cluster([...address.hosts], clusterOptions(address))
        : new ioredis.Redis(serverOptions(address));
    const state = this.watch(client, address);
    traceCommands(client);
    this.opened.push({ client, heartbeat: new RedisHeartbeat(client), state });
    const first = (each: RedisClient): Promise<void> => this.quietly('redis_not_connected_yet', firstNews(each));
    await first(client);
    if (address.kind === 'cluster') await Promise.all(connections(client).map(first));
    return client;
  }

  /** Healthy when so many of these answer. */
  async check(clients: readonly RedisClient[], needed: number): Promise<CheckResult> {
    const began = performance.now();
    const answers = await Promise.allSettled(clients.map((client) => within(client.ping(), pingLimitMs)));
    if (answers.filter(({ status }) => status === 'fulfilled').length >= needed) return healthySince(began);
    const reasons = this.opened.flatMap(({ client, state }) => (clients.includes(client) ? [state.reason] : []));
    return { status: 'degraded', reason: reasons.find(Boolean) ?? 'does not answer' };
  }

  /** Lets every client finish what it was asked, for half a second at most, and closes it. */
  async onApplicationShutdown(): Promise<void> {
    const closing = this.opened;
    this.opened = [];
    await Promise.all(closing.map((each) => this.close(each)));
  }

  private async close({ client, heartbeat }: Opened): Promise<void> {
    heartbeat.stop();
    // QUIT fails on a client without a connection.
    await this.quietly('redis_left_without_goodbye', within(client.quit(), quitLimitMs));
    client.disconnect();
  }

  /** Waits for work that may fail without harm; its error is logged at debug. */
  private async quietly(event: string, work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.logger.debug({ err: error }, event);
    }
  }

  private watch(client: RedisClient, address: RedisAddress): State {
    const host = shownRedis(address);
    const seldom = new Seldom(tellEveryMs);
    const state: State = { troubled: false, closing: false, reason: undefined };
    // Without a listener ioredis prints the error, and an error of its connection would end the process.
    const unreachable = guarded((error: Error) => {
      state.troubled = true;
      state.closing = isDatabaseRefused(error);
      state.reason = state.closing ? databaseRefused : undefined;
      if (seldom.now()) this.logger.warn({ host, reason: state.reason ?? scrub(error.message) }, 'redis_unreachable');
    });
    client.on('error', unreachable);
    // ioredis connects to a node for its first command, and refuses the second one until that is done.
    const nodeFailed = (err: unknown): void => this.logger.debug({ host, err }, 'redis_node_unreachable');
    const connectNode = guarded((node: Redis) => node.connect(), nodeFailed);
    client.on('+node', connectNode);
    const connecting = guarded(() => {
      state.closing = false;
    });
    client.on('connect', connecting);
    const connected = guarded(() => {
      // It is being closed: the answer to what was asked beside the database came all the same.
      if (state.closing) return;
      if (state.troubled) this.logger.info({ host }, 'redis_connected');
      state.troubled = false;
      state.reason = undefined;
    });
    client.on('ready', connected);
    return state;
  }
}

/** Resolves when it is connected, or known not to be. @throws Error when neither is known in time: it may come later */
async function firstNews(client: RedisClient): Promise<void> {
  if (client.status === 'ready') return;
  const news = new Promise<void>((resolve) => {
    for (const event of ['ready', 'error', 'close']) client.once(event, () => resolve());
  });
  await within(news, commandTimeoutMs);
}
