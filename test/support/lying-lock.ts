import { type Held, Lock } from '../../src/shared/lock/lock';

/**
 * A lock service that tells everybody at once that the lock is theirs, and never finds that it was lost: what is right
 * under this lock is right without one.
 */
export class LyingLock extends Lock {
  override async hold(): Promise<Held> {
    return { check: () => undefined, [Symbol.asyncDispose]: async () => undefined };
  }
}
