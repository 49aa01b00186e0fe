import { Clock } from '../../src/shared/clock/clock';

const epoch = Date.parse('2026-11-21T10:00:00.000Z');

/** A clock that stands still until the test moves it. */
export class HandClock extends Clock {
  /** Milliseconds since the test began. */
  at = 0;

  /** The wall clock alone: by how much it is ahead of where it should be. */
  ahead = 0;

  override now(): number {
    return epoch + this.at + this.ahead;
  }

  override monotonic(): number {
    return this.at;
  }
}
