import { setTimeout as sleep } from 'node:timers/promises';
import type { PinoLogger } from 'nestjs-pino';
import { Seldom } from '../async/seldom';
import type { Config } from '../config/config';
import { AppError } from '../errors/app-error';
import { resourceBusy, unavailable } from '../errors/common.errors';
import type { CheckResult } from '../health/readiness';
import { inSpan } from '../tracing/in-span';
import { FairQueue, type Leave } from './fair-queue';
import { Holder } from './holder';
import { type Held, Lock } from './lock';
import type { LockMetrics } from './lock.metrics';

/** The lock is ours until then on the monotonic clock. `giveBack` settles soon and never frees another holder's lock. */
export interface Grant {
  readonly until: number;
  giveBack(): Promise<void>;
}

/** The parts that every lock is made of. */
export interface LockParts {
  readonly config: Config['lock'];
  readonly metrics: LockMetrics;
  readonly logger: PinoLogger;
}

const maxWaiting = 10_000;
const maxBackground = 1000;
// A try with less time than this would take a slow answer for none.
const leastTryMs = 50;
const tellEveryMs = 10_000;
const maxPauseMs = 800;

/**
 * A lock whose waiters queue in this process, so that of each process only one asks the service about a key. Who asks:
 * `attempt`. Whoever does not give back within LOCK_TTL_MS loses the lock, and the next one is let in.
 */
export abstract class QueuedLock extends Lock {
  private readonly queue = new FairQueue(maxWaiting);
  private readonly holders = new Set<Holder>();
  private readonly background = new Set<Promise<void>>();
  private readonly seldom = new Seldom(tellEveryMs);
  private failure: unknown;
  private answeredAt = Number.NEGATIVE_INFINITY;
  private asking: Promise<CheckResult> | undefined;
  private closed = false;

  constructor(protected readonly parts: LockParts) {
    super();
  }

  override hold(key: string): Promise<Held> {
    return inSpan('lock', 'internal', { 'aerie.lock': this.parts.config.type }, () => this.holdInTurn(key));
  }

  private async holdInTurn(key: string): Promise<Held> {
    const { config, metrics } = this.parts;
    const began = performance.now();
    try {
      if (this.closed) throw unavailable();
      const leave = await this.queue.enter(key, config.waitMs);
      if (leave === 'full') throw resourceBusy();
      // Others in front may be waiting for a service that does not answer.
      if (leave === 'late') throw await this.refusal(began);
      return await this.contend(key, began, leave);
    } catch (error) {
      if (error instanceof AppError && error.code === 'resource_busy') metrics.timedOut(key);
      throw error;
    } finally {
      metrics.waited(key, performance.now() - began);
    }
  }

  /** Asks if the service answers. Settles within a second and does not throw. */
  abstract check(): Promise<CheckResult>;

  /** Gives back what is held, as far as the service answers, and takes no more. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.holders].map((holder) => holder[Symbol.asyncDispose]()));
    await Promise.all(this.background);
  }

  /**
   * One try, which settles soon after `limitMs` at the latest: a grant, or undefined when somebody else has the lock.
   * A grant whose answer was lost is given back.
   * @throws when the service does not answer
   */
  protected abstract attempt(key: string, limitMs: number): Promise<Grant | undefined>;

  /**
   * Work that nobody waits for but `close`, such as giving back; tried some times, since a lock that was not given back
   * keeps others waiting until it ends by itself.
   */
  protected later(work: () => Promise<void>): void {
    if (this.background.size >= maxBackground) return;
    const running = this.persist(work).finally(() => this.background.delete(running));
    this.background.add(running);
  }

  private async contend(key: string, began: number, leave: Leave): Promise<Held> {
    const until = began + this.parts.config.waitMs;
    try {
      for (;;) {
        const grant = await this.tryOnce(key, until - performance.now());
        if (grant) return this.holder(key, grant, leave);
        const left = until - performance.now();
        if (left < leastTryMs || this.closed) throw await this.refusal(began);
        await sleep(Math.min(left - leastTryMs, 5 + Math.random() * 25));
      }
    } catch (error) {
      leave();
      throw error;
    }
  }

  private async tryOnce(key: string, leftMs: number): Promise<Grant | undefined> {
    try {
      const grant = await this.attempt(key, Math.max(leastTryMs, leftMs));
      this.answeredAt = performance.now();
      this.failure = undefined;
      if (!grant || grant.until > performance.now()) return grant;
      this.later(() => grant.giveBack());
      throw new Error('The answer took longer than the lock lives');
    } catch (error) {
      this.failure = error;
      return undefined;
    }
  }

  /**
   * Why the wait was in vain. Whoever waited behind a try may be late a moment before that try fails, so that only an
   * answer tells that the service is there. Where a thread or a machine is busy, answers are read too late: before callers
   * are told that the service is gone it is asked again, for all of them together.
   */
  private async refusal(began: number): Promise<AppError> {
    if (this.answeredAt >= began) return resourceBusy();
    this.asking ??= this.askTwice().finally(() => {
      this.asking = undefined;
    });
    return (await this.asking).status === 'healthy' ? resourceBusy() : unavailable(this.failure);
  }

  private async askTwice(): Promise<CheckResult> {
    const first = await this.check();
    return first.status === 'healthy' ? first : this.check();
  }

  private holder(key: string, grant: Grant, leave: Leave): Holder {
    const holder = new Holder(grant.until, async (how) => {
      this.holders.delete(holder);
      if (how === 'lost') {
        this.parts.metrics.lost(key);
        // The service may keep it for longer than we do.
        this.later(() => grant.giveBack());
      } else {
        const failure = await failureOf(() => grant.giveBack());
        if (failure !== undefined) {
          this.tell(failure);
          this.later(() => grant.giveBack());
        }
      }
      leave();
    });
    this.holders.add(holder);
    return holder;
  }

  private async persist(work: () => Promise<void>): Promise<void> {
    for (let pauseMs = 100; ; pauseMs *= 2) {
      const failure = await failureOf(work);
      if (failure === undefined) return;
      this.tell(failure);
      if (pauseMs > maxPauseMs || this.closed) return;
      await sleep(pauseMs);
    }
  }

  private tell(failure: unknown): void {
    if (this.seldom.now()) this.parts.logger.warn({ err: failure }, 'lock_not_given_back');
  }
}

async function failureOf(work: () => Promise<void>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error ?? new Error('It failed without saying why');
  }
}
