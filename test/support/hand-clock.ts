import { Clock } from '../../src/shared/clock/clock';

const epoch = Date.parse('2026-11-21T10:00:00.000Z');

/** A clock that stands still until the test moves it. */
export class HandClock extends Clock {
  /** Milliseconds since the test began. */
  at = 0;

  override now(): number {
    return epoch + this.at;
  }

  override monotonic(): number {
    return this.at;
  }
}
