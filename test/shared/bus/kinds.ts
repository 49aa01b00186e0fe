import { ulid } from 'ulid';
import { z } from 'zod';
import { Load } from '../../../src/shared/async/load';
import type { Broker } from '../../../src/shared/bus/broker';
import { BrokeredBus } from '../../../src/shared/bus/brokered.bus';
import type { Bus, BusMessage, Topic } from '../../../src/shared/bus/bus';
import type { BusMetrics } from '../../../src/shared/bus/bus.metrics';
import { InmemBus } from '../../../src/shared/bus/inmem.bus';
import { RedisBroker } from '../../../src/shared/bus/redis.broker';
import { ServiceBusBroker } from '../../../src/shared/bus/servicebus.broker';
import { RedisClients } from '../../../src/shared/redis/redis.clients';
import { hasElasticMq } from '../../support/elasticmq';
import { recordingLogger } from '../../support/recording-logger';
import { redisCall, startRedis } from '../../support/redis';
import type { DatabaseServer } from '../../support/servers';
import { connectionTo, startServiceBus } from '../../support/servicebus';
import { startSilentProxy } from '../../support/silent-proxy';
import { startSqs } from './sqs.kind';

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
  /** Puts a text in the way of the messages of `ordered` that is none of ours. */
  forge(topic: string, text: string): Promise<void>;
  /** The messages that the server still keeps of a topic. */
  kept(topic: string): Promise<number>;
  /** All that it keeps is lost. */
  wipe(): Promise<void>;
  readonly server: Pick<DatabaseServer, 'kill' | 'restart' | 'freeze' | 'resume'>;
  /** False: it promises no order, not even of the messages of one key. */
  readonly inOrder: boolean;
}

/** Milliseconds after which what a process has not settled is delivered again. */
export const idleMs = 600;

/** The same, where nobody dies: no pause of the test's own process makes it seem dead. */
export const neverMs = 60_000;

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

export function brokered(broker: Broker, die: () => Promise<void>): OpenedBus {
  const { logger, logged, counted, metrics } = told();
  return { bus: new BrokeredBus(broker, metrics, logger, new Load()), logged, counted, die };
}

async function redis(idle: number): Promise<Brokerage> {
  const server = await startRedis();
  const stream = (topic: string): string => `aerie:bus:{${topic}}`;
  return {
    server,
    inOrder: true,
    open: async () => {
      const clients = new RedisClients(recordingLogger().logger);
      const broker = await RedisBroker.open(clients, server.url, { idleMs: idle, keepMs: 5000 });
      return brokered(broker, () => clients.onApplicationShutdown());
    },
    forge: async (topic, text) => void (await redisCall(server.url, 'XADD', stream(topic), '*', 'parcel', text)),
    kept: async (topic) => Number(await redisCall(server.url, 'XLEN', stream(topic))),
    wipe: async () => void (await redisCall(server.url, 'FLUSHALL')),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The official client on a server of our own: theirs cannot be run here. */
async function servicebus(idle: number): Promise<Brokerage> {
  const server = await startServiceBus({ lockMs: 3 * idle, maxDeliveries: 10 });
  return {
    server,
    open: async () => {
      // What dies loses its connections, and gets no others.
      const proxy = await startSilentProxy(server.port);
      const options = { extendEveryMs: idleMs / 2, againMs: idleMs / 2 };
      const broker = await ServiceBusBroker.open(connectionTo(proxy.port), options);
      return brokered(broker, async () => proxy[Symbol.asyncDispose]());
    },
    forge: async (topic, text) => server.send(topic, 'forged', text),
    kept: async (topic) => server.topics.kept(topic),
    wipe: async () => server.topics.wipe(),
    inOrder: true,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function sqs(fifo: boolean) {
  return async (idle: number): Promise<Brokerage> => {
    const { broker, ...place } = await startSqs(fifo, `tests-${ulid().slice(-6)}`, Math.ceil(idle / 1000));
    const open = async (): Promise<OpenedBus> => {
      const one = await broker();
      return brokered(one, () => one.close());
    };
    return { ...place, open, inOrder: fifo };
  };
}

/** `idle`: milliseconds as `idleMs`. */
type Kind = readonly [name: string, start: (idle: number) => Promise<Brokerage>];
const daily: readonly Kind[] = [
  ['redis', redis],
  ['servicebus', servicebus],
];
// Their server takes a minute to fetch: where it is not there yet, npm run test:foreign brings it.
const foreign: readonly Kind[] = [
  ['sqs', sqs(false)],
  ['sqs with fifo', sqs(true)],
];

/** The kinds that leave the process: those of TEST_BROKERS, else all that can be started. */
export const brokers: readonly Kind[] = process.env.TEST_BROKERS
  ? [...daily, ...foreign].filter(([name]) => process.env.TEST_BROKERS?.split(',').includes(name))
  : [...daily, ...(hasElasticMq() ? foreign : [])];

/** A topic of numbers that no other test uses. */
export function newTopic(): Topic<number> {
  return { name: `numbers-${ulid()}`, schema: z.number() };
}

export const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** Numbers of so many keys. */
export function messages(from: number, to: number, keys = 3): BusMessage<number>[] {
  return numbers(from, to).map((body) => ({ key: `key-${body % keys}`, body }));
}

export const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

export const bodies = (group: readonly BusMessage<number>[]): number[] => group.map(({ body }) => body);

/** A promise and what settles it. */
export function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}
