import type Redlock from 'redlock';
import type { CheckResult } from '../health/readiness';
import type { RedisClient } from '../redis/redis.client';
import type { RedisClients } from '../redis/redis.clients';
import { type Grant, type LockParts, QueuedLock } from './queued.lock';
import { RedisVoter } from './redis.voter';

const answerMs = 250;
// Clocks that run apart by so much do no harm, and the millisecond in which Redis counts.
const driftFactor = 0.01;
const driftMs = 2;

/**
 * Kept in one Redis, or in several that know nothing of each other and of which most must agree
 * (https://redis.io/docs/latest/develop/use/patterns/distributed-locks/). A Redis that restarts has forgotten its locks.
 */
export class RedisLock extends QueuedLock {
  private constructor(
    parts: LockParts,
    private readonly redis: RedisClients,
    private readonly clients: readonly RedisClient[],
    private readonly redlock: typeof Redlock,
  ) {
    super(parts);
  }

  static async open(parts: LockParts, redis: RedisClients): Promise<RedisLock> {
    const clients = await Promise.all(parts.config.redisUrls.map((url) => redis.open(url)));
    // Loaded only where it is chosen.
    const { default: redlock } = await import('redlock');
    return new RedisLock(parts, redis, clients, redlock);
  }

  /** Settles within a second and does not throw. */
  override check(): Promise<CheckResult> {
    return this.redis.check(this.clients, this.quorum);
  }

  /** One round of redlock: asks all, and when most do not agree takes back what it got, before it says so. */
  protected override async attempt(key: string, limitMs: number): Promise<Grant | undefined> {
    const { ttlMs } = this.parts.config;
    const voters = this.clients.map((client) => new RedisVoter(client, Math.min(answerMs, limitMs)));
    const sentAt = performance.now();
    try {
      const round = new this.redlock(voters, { retryCount: 0, driftFactor });
      const lock = await round.lock(`aerie:lock:${key}`, ttlMs);
      const until = sentAt + ttlMs - Math.round(ttlMs * driftFactor) - driftMs;
      return { until, giveBack: () => giveBack(lock, voters) };
    } catch (error) {
      if (!(error instanceof this.redlock.LockError)) throw error;
      if (voters.filter(({ answered }) => answered).length >= this.quorum) return undefined;
      throw voters.find(({ failure }) => failure !== undefined)?.failure ?? error;
    }
  }

  private get quorum(): number {
    return Math.floor(this.clients.length / 2) + 1;
  }
}

/** Deletes the lock where it is still ours; one that has run out is no error. @throws when no answer came */
async function giveBack(lock: { unlock(): PromiseLike<void> }, voters: readonly RedisVoter[]): Promise<void> {
  try {
    await lock.unlock();
  } catch (error) {
    const failed = voters.find(({ failure }) => failure !== undefined);
    if (failed) throw failed.failure ?? error;
  }
}
