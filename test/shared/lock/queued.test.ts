import type { CheckResult } from '../../../src/shared/health/readiness';
import { type Grant, type LockParts, QueuedLock } from '../../../src/shared/lock/queued.lock';
import { eventually } from '../../support/eventually';
import { recordingLogger } from '../../support/recording-logger';

// What a lock does with a service that answers late, or did not hear: a service that does as it is told.

const metrics = { waited: () => undefined, timedOut: () => undefined, lost: () => undefined };
const parts = {
  config: { type: 'redis', ttlMs: 5000, waitMs: 100, redisUrls: [], etcdEndpoints: [] },
  metrics,
  logger: recordingLogger().logger,
} as unknown as LockParts;

class ToldLock extends QueuedLock {
  asked = 0;
  returns = 0;

  constructor(
    private readonly status: CheckResult['status'],
    private readonly deafFor = Number.POSITIVE_INFINITY,
  ) {
    super(parts);
  }

  override async check(): Promise<CheckResult> {
    this.asked += 1;
    // As long as a question to a service takes on a bad day.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { status: this.status };
  }

  protected override async attempt(): Promise<Grant> {
    if (this.deafFor === Number.POSITIVE_INFINITY) throw new Error('No answer');
    const giveBack = async (): Promise<void> => {
      this.returns += 1;
      if (this.returns <= this.deafFor) throw new Error('No answer');
    };
    return { until: performance.now() + 5000, giveBack };
  }
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );

test('answers that came too late are a crowd when the service is there, and an outage when it is not', async () => {
  const crowd = new ToldLock('healthy');
  const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(crowd.hold('user:1'))));
  expect(new Set(codes)).toEqual(new Set(['resource_busy']));
  // Asked for all of them, not by each.
  expect(crowd.asked).toBeLessThan(5);
  expect(await codeOf(new ToldLock('degraded').hold('user:1'))).toBe('unavailable');
});

test('what the service did not hear is said again: a lock is given back', async () => {
  const lock = new ToldLock('healthy', 2);
  const held = await lock.hold('user:1');
  await held[Symbol.asyncDispose]();
  await eventually(async () => expect(lock.returns).toBe(3));
  await lock.close();
});
