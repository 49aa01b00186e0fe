import { Table } from 'typeorm';
import { z } from 'zod';
import { Load } from '../../../src/shared/async/load';
import type { Bus, Topic } from '../../../src/shared/bus/bus';
import type { BusMetrics } from '../../../src/shared/bus/bus.metrics';
import { InmemBus } from '../../../src/shared/bus/inmem.bus';
import { bigint, integer, sequence } from '../../../src/shared/db/columns';
import type { Database } from '../../../src/shared/db/database';
import { createTable } from '../../../src/shared/db/table.migration';
import type { CheckResult, Readiness } from '../../../src/shared/health/readiness';
import { inboxTable } from '../../../src/shared/log/inbox';
import type { Log, LogEvent, Redriven, Start } from '../../../src/shared/log/log';
import { journalMismatch } from '../../../src/shared/log/log.errors';
import type { LogMetrics } from '../../../src/shared/log/log.metrics';
import { LogConsumer, type LogConsumerOptions, LogParts } from '../../../src/shared/log/log-consumer';
import { countAhead } from '../../../src/shared/log/place';
import { placeMigrations } from '../../../src/shared/log/place.entity';
import { PlaceRepository, type Source } from '../../../src/shared/log/place.repository';
import { SilentTracing } from '../../../src/shared/tracing/tracing';
import { testJobs } from '../../support/jobs';

export interface Line extends LogEvent {
  readonly points: number;
}

/** A consumer's tables, and one in which it leaves a row for each effect. */
export const consumerMigrations = [
  createTable(
    'CreateEffects1700000000020',
    (type) =>
      new Table({ name: 'effects', columns: [sequence(type), bigint(type, 'number'), integer(type, 'points')] }),
  ),
  createTable('CreateInbox1700000000021', (type) => inboxTable(type, 'tested_inbox')),
  ...placeMigrations('tested', 1700000000022),
];

export const topic: Topic<Line> = {
  name: 'lines',
  schema: z.object({
    seq: z.int(),
    afterSeq: z.int(),
    id: z.string(),
    acceptedAt: z.number(),
    points: z.number(),
    fault: z.string().exactOptional(),
  }),
};

/** Numbers from `from` to `to`, without gaps. */
export function lines(from: number, to: number): Line[] {
  return Array.from({ length: to - from + 1 }, (_, i) => {
    const seq = from + i;
    return { seq, afterSeq: seq - 1, id: `line-${seq}`, points: seq, acceptedAt: 0 };
  });
}

/** A log in memory, with its dead letters. */
export class TestLog implements Log<Line> {
  readonly all: Line[] = [];
  readonly letters = new Map<string, { readonly event: Line; reason: string; redriven: boolean }>();
  reads = 0;
  first: Start = { seq: 0, id: '', inboxUpTo: 0 };

  async read({ seq, id }: { readonly seq: number; readonly id: string }, limit: number) {
    this.reads += 1;
    if (id !== '' && this.all.find((line) => line.seq === seq)?.id !== id) throw journalMismatch(seq, id);
    const events = this.all.filter((line) => line.seq > seq).slice(0, limit);
    const redriven: Redriven<Line>[] = [];
    for (const [letterId, letter] of this.letters)
      if (letter.redriven) redriven.push({ letterId, event: letter.event });
    return { events: events.map((event, i) => ({ ...event, afterSeq: events[i - 1]?.seq ?? seq })), redriven };
  }

  async start(): Promise<Start> {
    return this.first;
  }

  async head(): Promise<number> {
    return this.all.at(-1)?.seq ?? 0;
  }

  async parked(): Promise<number[]> {
    return [...this.letters.values()].map(({ event }) => event.seq);
  }

  async park(event: Line, reason: string): Promise<void> {
    if (!this.letters.has(`letter-${event.seq}`))
      this.letters.set(`letter-${event.seq}`, { event, reason, redriven: false });
  }

  async settle(letterId: string, failure?: string): Promise<void> {
    const letter = this.letters.get(letterId);
    if (failure === undefined) this.letters.delete(letterId);
    else if (letter) Object.assign(letter, { reason: failure, redriven: false });
  }
}

class TestConsumer extends LogConsumer<Line> {}

export interface Running extends AsyncDisposable {
  readonly bus: Bus;
  readonly places: PlaceRepository;
  readonly logged: readonly string[];
  readonly groups: readonly (readonly number[])[];
  /** How many numbers lay ahead of the place after each transaction. */
  readonly ahead: readonly number[];
  /** As the bus brings it. */
  bring(events: readonly Line[]): void;
  check(): Promise<CheckResult>;
}

/** Called within the transaction, before the effect of an event; what it throws fails the group. */
export type Effect = (event: Line, source: Source) => void;

/** The numbers of the effects in the database, in their order. */
export async function effectsIn(db: Database): Promise<number[]> {
  const rows = await db.read((sql) => sql.rows<{ number: number }>('SELECT number FROM effects ORDER BY number, seq'));
  return rows.map(({ number }) => number);
}

function mechanisms(told?: Bus) {
  const { jobs, logger, told: logged } = testJobs();
  const load = new Load();
  const bus = told ?? new InmemBus({ count: () => undefined } as unknown as BusMetrics, logger, load);
  const checks: (() => Promise<CheckResult>)[] = [];
  const readiness = { add: (_name: string, check: () => Promise<CheckResult>) => checks.push(check) };
  const metrics = { watch: () => undefined } as unknown as LogMetrics;
  const parts = new LogParts(bus, jobs, load, metrics, new SilentTracing(), readiness as unknown as Readiness, logger);
  const check = async (): Promise<CheckResult> => (await checks[0]?.()) ?? { status: 'unhealthy' };
  return { parts, bus, logged, check };
}

/** Starts a consumer of a log in a database; it ends with the test. */
export async function consumerOf(
  db: Database,
  log: Log<Line>,
  effect: Effect = () => undefined,
  { bus: told, ...options }: Partial<LogConsumerOptions<Line>> & { readonly bus?: Bus } = {},
): Promise<Running> {
  const { parts, bus, logged, check } = mechanisms(told);
  const places = new PlaceRepository(db, 'tested');
  const groups: number[][] = [];
  const ahead: number[] = [];
  const apply: LogConsumerOptions<Line>['apply'] = async (events, source) => {
    const { place } = await places.pass(events, source, async (tx, fresh) => {
      groups.push(fresh.map(({ seq }) => seq));
      for (const event of fresh) {
        effect(event, source);
        await tx.run('INSERT INTO effects (number, points) VALUES (?, ?)', [event.seq, event.points]);
      }
    });
    ahead.push(countAhead(place));
    return place;
  };
  const consumer = new TestConsumer(parts, { name: 'tested', topic, log, places, maxGroup: 50, apply, ...options });
  consumer.onModuleInit();
  await consumer.onApplicationBootstrap();
  return {
    bus,
    places,
    logged,
    groups,
    ahead,
    bring: (events) =>
      bus.publish(
        options.topic ?? topic,
        events.map((body) => ({ key: 'k', body })),
      ),
    check,
    [Symbol.asyncDispose]: async () => {
      consumer.beforeApplicationShutdown();
      await bus.close();
      await consumer.onApplicationShutdown();
    },
  };
}
