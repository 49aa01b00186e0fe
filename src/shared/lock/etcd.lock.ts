import { randomBytes } from 'node:crypto';
import { type CheckResult, healthySince } from '../health/readiness';
import { EtcdEndpoints } from './etcd.endpoints';
import { type Grant, type LockParts, QueuedLock } from './queued.lock';

const pingLimitMs = 500;
const giveBackMs = 500;

/**
 * Kept in etcd: a key that is there only once, bound to a lease of its own, which ends it when its holder is dead.
 * Leases are whole seconds, and two at least: a lock that lives shorter ends on time for its holder, and for others as
 * long as its holder's process is alive to revoke it.
 */
export class EtcdLock extends QueuedLock {
  private constructor(
    parts: LockParts,
    private readonly etcd: EtcdEndpoints,
  ) {
    super(parts);
  }

  static async open(parts: LockParts): Promise<EtcdLock> {
    const lock = new EtcdLock(parts, await EtcdEndpoints.open(parts.config.etcdEndpoints));
    // Connects, so that the first who need a lock do not wait for that; it need not be up.
    await lock.check();
    return lock;
  }

  /** A read that most members confirm. Settles within a second and does not throw. */
  override async check(): Promise<CheckResult> {
    const began = performance.now();
    try {
      await this.isTaken('health', began + pingLimitMs);
      return healthySince(began);
    } catch {
      return { status: 'degraded', reason: 'does not answer' };
    }
  }

  override async close(): Promise<void> {
    await super.close();
    this.etcd.close();
  }

  protected override async attempt(key: string, limitMs: number): Promise<Grant | undefined> {
    const limit = performance.now() + limitMs;
    // A read first: waiting must not cost the cluster two writes to disk for every try.
    if (await this.isTaken(key, limit)) return undefined;
    // Our own id, so that the lease can be revoked when the answer to the grant is lost.
    const lease = newLeaseId();
    const sentAt = performance.now();
    const giveBack = (): Promise<void> => this.revoke(lease);
    try {
      await this.grant(lease, limit);
      if (await this.putIfAbsent(key, lease, limit)) return { until: sentAt + this.parts.config.ttlMs, giveBack };
    } catch (error) {
      this.later(giveBack);
      throw error;
    }
    this.later(giveBack);
    return undefined;
  }

  private async isTaken(key: string, limit: number): Promise<boolean> {
    const found = await this.etcd.call((etcd, options) => etcd.get(keyOf(key)).options(options), left(limit));
    return found !== null;
  }

  private async grant(lease: string, limit: number): Promise<void> {
    const TTL = Math.ceil(this.parts.config.ttlMs / 1000);
    await this.etcd.call((etcd, options) => etcd.leaseClient.leaseGrant({ TTL, ID: lease }, options), left(limit));
  }

  private async putIfAbsent(key: string, lease: string, limit: number): Promise<boolean> {
    const answer = await this.etcd.call(
      (etcd, options) =>
        etcd
          .if(keyOf(key), 'Create', '==', 0)
          .then(etcd.put(keyOf(key)).value('').lease(lease))
          .options(options)
          .commit(),
      left(limit),
    );
    return answer.succeeded;
  }

  /** Deletes what is bound to this lease and nothing else. */
  private async revoke(lease: string): Promise<void> {
    const { EtcdLeaseInvalidError } = await import('etcd3');
    try {
      await this.etcd.call((etcd, options) => etcd.leaseClient.leaseRevoke({ ID: lease }, options), giveBackMs);
    } catch (error) {
      // It has run out.
      if (!(error instanceof EtcdLeaseInvalidError)) throw error;
    }
  }
}

function keyOf(key: string): string {
  return `aerie/lock/${key}`;
}

function left(limit: number): number {
  return Math.max(1, limit - performance.now());
}

/** Positive, 63 bits. */
function newLeaseId(): string {
  return String(randomBytes(8).readBigUInt64BE() >> 1n);
}
