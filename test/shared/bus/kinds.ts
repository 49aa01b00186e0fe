import { ulid } from 'ulid';
import { z } from 'zod';
import { Load } from '../../../src/shared/async/load';
import type { Broker } from '../../../src/shared/bus/broker';
import { BrokeredBus } from '../../../src/shared/bus/brokered.bus';
import type { Bus, BusMessage, Topic } from '../../../src/shared/bus/bus';
import type { BusMetrics } from '../../../src/shared/bus/bus.metrics';
import { InmemBus } from '../../../src/shared/bus/inmem.bus';
import { RedisBroker } from '../../../src/shared/bus/redis.broker';
import { RedisClients } from '../../../src/shared/redis/redis.clients';
import { recordingLogger } from '../../support/recording-logger';
import { type RedisServer, redisCall, startRedis } from '../../support/redis';

// Every kind of bus, on the real server that it needs.

/** A bus as one process has it. */
export interface OpenedBus {
  readonly bus: Bus;
  readonly logged: readonly string[];
  /** Messages by outcome. */
  readonly counted: Readonly<Record<string, number>>;
  /** As SIGKILL: nothing is settled, nobody is told. */
  die(): Promise<void>;
}

/** A server of the tests' own, and the buses that use it. */
export interface Brokerage extends AsyncDisposable {
  open(): Promise<OpenedBus>;
  /** Puts a text in a consumer's way that is none of ours. */
  forge(topic: string, text: string): Promise<void>;
  /** The messages that the server still keeps of a topic. */
  kept(topic: string): Promise<number>;
  /** All that it keeps is lost. */
  wipe(): Promise<void>;
  readonly server: RedisServer;
}

/** Milliseconds after which what a process has not settled is delivered again. */
export const idleMs = 600;

function told() {
  const { logger, told: logged } = recordingLogger();
  const counted: Record<string, number> = {};
  const count: BusMetrics['count'] = (_bus, outcome, many) => {
    if (many > 0) counted[outcome] = (counted[outcome] ?? 0) + many;
  };
  return { logger, logged, counted, metrics: { count } as unknown as BusMetrics };
}

export function inmemBus(): OpenedBus {
  const { logger, logged, counted, metrics } = told();
  const bus = new InmemBus(metrics, logger, new Load());
  return { bus, logged, counted, die: () => bus.close() };
}

function brokered(broker: Broker, die: () => Promise<void>): OpenedBus {
  const { logger, logged, counted, metrics } = told();
  return { bus: new BrokeredBus(broker, metrics, logger, new Load()), logged, counted, die };
}

async function redis(): Promise<Brokerage> {
  const server = await startRedis();
  const stream = (topic: string): string => `aerie:bus:{${topic}}`;
  return {
    server,
    open: async () => {
      const clients = new RedisClients(recordingLogger().logger);
      const broker = await RedisBroker.open(clients, server.url, { idleMs, keepMs: 5000 });
      return brokered(broker, () => clients.onApplicationShutdown());
    },
    forge: async (topic, text) => void (await redisCall(server.url, 'XADD', stream(topic), '*', 'parcel', text)),
    kept: async (topic) => Number(await redisCall(server.url, 'XLEN', stream(topic))),
    wipe: async () => void (await redisCall(server.url, 'FLUSHALL')),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The kinds that leave the process. */
export const brokers: readonly (readonly [name: string, start: () => Promise<Brokerage>])[] = [['redis', redis]];

/** A topic of numbers that no other test uses. */
export function newTopic(): Topic<number> {
  return { name: `numbers-${ulid()}`, schema: z.number() };
}

export const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

export function messages(from: number, to: number): BusMessage<number>[] {
  return numbers(from, to).map((body) => ({ key: `key-${body % 3}`, body }));
}

export const bodies = (group: readonly BusMessage<number>[]): number[] => group.map(({ body }) => body);

/** A promise and what settles it. */
export function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}
