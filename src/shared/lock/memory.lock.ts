import type { CheckResult } from '../health/readiness';
import { type Grant, QueuedLock } from './queued.lock';

/** The lock of one process: its queue alone decides. */
export class MemoryLock extends QueuedLock {
  override async check(): Promise<CheckResult> {
    return { status: 'healthy' };
  }

  protected override async attempt(): Promise<Grant> {
    return { until: performance.now() + this.parts.config.ttlMs, giveBack: async () => undefined };
  }
}
