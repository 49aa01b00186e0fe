import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Jobs, type NamedJobs } from '../async/jobs';
import { Load } from '../async/load';
import { pause } from '../async/pause';
import { Turns } from '../async/turns';
import { Worker } from '../async/worker';
import { Batcher } from '../batch/batch';
import { Bus, type BusMessage, type Topic } from '../bus/bus';
import { AppError } from '../errors/app-error';
import { Readiness } from '../health/readiness';
import { StartError } from '../lifecycle/start.error';
import { printable } from '../text/printable';
import { Tracing } from '../tracing/tracing';
import type { Log, LogEvent, Redriven } from './log';
import { LogMetrics } from './log.metrics';
import { countAhead, hasPassed, type Place } from './place';
import type { PlaceRepository, Source } from './place.repository';

export interface LogConsumerOptions<Event extends LogEvent> {
  readonly name: string;
  readonly topic: Topic<Event>;
  readonly log: Log<Event>;
  readonly places: PlaceRepository;
  /** Events in one transaction at most. */
  readonly maxGroup: number;
  /** One transaction with the place and the effect; answers the place. */
  readonly apply: (events: readonly Event[], source: Source) => Promise<Place>;
}

/** The mechanisms that every consumer of a log stands on. */
@Injectable()
export class LogParts {
  constructor(
    readonly bus: Bus,
    readonly jobs: Jobs,
    readonly load: Load,
    readonly metrics: LogMetrics,
    readonly tracing: Tracing,
    readonly readiness: Readiness,
    readonly logger: PinoLogger,
  ) {}
}

const lookMs = 250;
// A hole that is older is not filled by what is still on its way.
const holeMs = 250;
const quietMs = 1000;
const gatherMs = 50;
const maxAhead = 4096;
const maxTries = 5;
const firstPauseMs = 20;
const maxPauseMs = 1000;

/**
 * Applies the events of a log, each exactly once in effect. The bus brings what was just accepted; what it does not bring
 * is read from the log, where a hole stays open, nothing is heard, or the process has just started. Tries again what
 * failed and gives up what failed five times; an outage is not counted as a try.
 */
export abstract class LogConsumer<Event extends LogEvent>
  extends Worker
  implements OnModuleInit, BeforeApplicationShutdown
{
  private readonly batcher: Batcher<Event, true>;
  private readonly closing = new AbortController();
  private readonly turns = new Turns();
  private begun = false;
  // What is in the tables belongs to another journal; nothing may be applied.
  private refused = false;
  private place: Place = { seq: 0, id: '', ahead: [] };
  private holeSince: number | undefined;
  private heardAt = Number.NEGATIVE_INFINITY;
  private lookedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly parts: LogParts,
    private readonly options: LogConsumerOptions<Event>,
  ) {
    super(parts.jobs, { everyMs: lookMs, atOnce: true });
    const commit = async (events: readonly Event[]): Promise<true[]> => {
      this.arrived(await this.apply(events, 'log'));
      return events.map(() => true);
    };
    // The place makes applying again harmless, so that is also what finds out about a lost COMMIT.
    this.batcher = new Batcher({
      maxItems: options.maxGroup,
      maxQueued: options.maxGroup * 2,
      commit,
      resolve: commit,
    });
  }

  onModuleInit(): void {
    const { name: consumer, topic, maxGroup, log, places } = this.options;
    this.parts.bus.subscribe(topic, { consumer, maxGroup, gatherMs }, (messages) => this.hear(messages));
    this.parts.metrics.watch(consumer, log, places);
    this.parts.readiness.add(`${consumer}.log`, async () =>
      this.refused ? { status: 'unhealthy', reason: 'the journal is older than its data' } : { status: 'healthy' },
    );
  }

  /** @throws StartError when the journal is older than what was applied */
  override async onApplicationBootstrap(): Promise<void> {
    try {
      await this.alone(() => this.begin());
    } catch (error) {
      if (isMismatch(error))
        throw new StartError(`Aerie cannot start: ${this.options.name}: ${(error as Error).message}.`, error);
      // The log, or the database, does not answer: the loop asks again.
      this.parts.logger.warn({ err: error, consumer: this.options.name }, 'log_not_read');
    }
    await super.onApplicationBootstrap();
  }

  /** Before the bus and the log close, which wait for what runs here. */
  beforeApplicationShutdown(): void {
    this.closing.abort();
  }

  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    await this.turns.idle();
  }

  protected override work(): NamedJobs {
    return { [`${this.options.name}.log`]: () => this.look() };
  }

  /** What the bus brings. */
  private hear(messages: readonly BusMessage<Event>[]): Promise<void> {
    return this.alone(async () => {
      if (!this.begun || this.refused || this.closing.signal.aborted) return;
      this.heardAt = performance.now();
      if (await this.isBehind(messages.length)) await this.catchUp();
      await this.applyAll(messages.map(({ body }) => body));
    });
  }

  /** Reads the log where that is due. */
  private look(): Promise<void> {
    return this.alone(async () => {
      const now = performance.now();
      if (!this.refused && (await this.isBehind(0))) await this.catchUp();
      if (now - this.lookedAt < quietMs) return;
      if (!this.begun) await this.begin();
      const { events, redriven } = await this.read(1);
      this.lookedAt = now;
      await this.redrive(redriven);
      if (events.length > 0 && now - this.heardAt > quietMs) await this.catchUp();
    });
  }

  private async read(limit: number): ReturnType<Log<Event>['read']> {
    try {
      const answer = await this.options.log.read(this.place, limit);
      this.refused = false;
      return answer;
    } catch (error) {
      this.refused = isMismatch(error);
      throw error;
    }
  }

  private async begin(): Promise<void> {
    const { log, places } = this.options;
    if (!(await places.find())) {
      const [start, parked, hasInbox] = [await log.start(), await log.parked(), await places.hasInbox()];
      // Nothing was applied here: this database is new, and all that there is counts.
      const place = hasInbox ? start : { seq: 0, id: '' };
      await places.begin({ ...place, ahead: [] }, Math.max(hasInbox ? start.inboxUpTo : 0, ...parked), parked);
    }
    await this.learn();
    await this.read(1);
    this.begun = true;
  }

  /** Applies all that the log has, in groups, and leaves others their time in between. */
  private async catchUp(): Promise<void> {
    const { maxGroup } = this.options;
    // From now on every group that is applied says where the place is.
    await this.learn();
    for (let events: readonly Event[] = []; !this.closing.signal.aborted; ) {
      const began = performance.now();
      const before = this.place.seq;
      // All consumers read from the same numbers on, so that the log may answer them alike.
      const limit = maxGroup - (before % maxGroup);
      ({ events } = await this.read(limit));
      await this.applyAll(events);
      if (events.length < limit || this.place.seq === before) break;
      await this.parts.load.giveWay(performance.now() - began);
    }
    this.holeSince = undefined;
  }

  /** Until each is applied or given up, or the process ends. */
  private async applyAll(events: readonly Event[]): Promise<void> {
    let rest = events.filter(({ fault }) => fault === undefined);
    let tries = 0;
    const { signal } = this.closing;
    for (let attempt = 0; rest.length > 0 && !signal.aborted; attempt++) {
      if (attempt > 0) await pause(Math.min(maxPauseMs, firstPauseMs * 2 ** attempt), signal);
      const settled = await this.batcher.submitAll(rest);
      const reasons = settled.map((one) => (one.status === 'rejected' ? one.reason : undefined));
      if (!reasons.some(isOutage)) tries += 1;
      const failed = rest.flatMap((event, i) => (reasons[i] === undefined ? [] : [{ event, reason: reasons[i] }]));
      rest = failed.map(({ event }) => event);
      if (tries < maxTries) continue;
      for (const { event, reason } of failed) await this.park(event, reason);
      break;
    }
    for (const event of events) if (event.fault !== undefined) await this.park(event, new Error(event.fault));
  }

  private async redrive(redriven: readonly Redriven<Event>[]): Promise<void> {
    for (const { letterId, event } of redriven) {
      // The letter is written before the number: until then the event is tried in its turn.
      if (!hasPassed((await this.options.places.find()) ?? this.place, event.seq)) continue;
      const failure = event.fault ?? (await this.failureOf(event));
      if (this.closing.signal.aborted) return;
      await this.options.log.settle(letterId, failure);
    }
  }

  /** Why a redriven event cannot be applied; undefined when it is, or was before. @throws AppError unavailable */
  private async failureOf(event: Event): Promise<string | undefined> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.apply([event], 'redriven');
        return undefined;
      } catch (error) {
        if (isOutage(error)) throw error;
        if (tries === maxTries) return printable(error);
        await pause(firstPauseMs * 2 ** tries, this.closing.signal);
      }
    }
  }

  private apply(events: readonly Event[], source: Source): Promise<Place> {
    const { name, topic, apply } = this.options;
    const attributes = { 'messaging.destination.name': topic.name, 'messaging.consumer.group.name': name };
    const consuming = { name: `apply ${topic.name}`, kind: 'consumer', attributes } as const;
    return this.parts.tracing.group({ ...consuming, traces: events, work: () => apply(events, source) });
  }

  /** The letter first: an event must not be passed that nobody can find again. */
  private async park(event: Event, reason: unknown): Promise<void> {
    const { name, log, places } = this.options;
    const told = { err: reason, consumer: name, event_id: event.id };
    this.parts.logger.error({ ...told, tries: event.fault === undefined ? maxTries : 1 }, 'event_parked');
    try {
      await log.park(event, printable(reason));
      this.arrived(await places.park(event));
    } catch (error) {
      // Not passed, it is read again.
      this.parts.logger.warn({ ...told, err: error }, 'park_failed');
    }
  }

  private arrived(place: Place): void {
    const isAnother = place.seq !== this.place.seq;
    this.place = place;
    if (place.ahead.length === 0) this.holeSince = undefined;
    else if (isAnother || this.holeSince === undefined) this.holeSince = performance.now();
  }

  /** Another process may have come further: each is told a share of the events. */
  private async learn(): Promise<void> {
    this.arrived((await this.options.places.find()) ?? this.place);
  }

  /** Whether the log has to be read before `more` events are applied. */
  private async isBehind(more: number): Promise<boolean> {
    const seems = (): boolean => this.isHoleOld() || countAhead(this.place) + more > maxAhead;
    if (!seems()) return false;
    await this.learn();
    return seems();
  }

  private isHoleOld(): boolean {
    return this.holeSince !== undefined && performance.now() - this.holeSince > holeMs;
  }

  /** One after another: what the bus brings, and what is read. */
  private alone(work: () => Promise<void>): Promise<void> {
    return this.turns.take(work);
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof AppError && error.kind === 'unavailable';
}

function isMismatch(error: unknown): boolean {
  return error instanceof AppError && error.code === 'journal_mismatch';
}
