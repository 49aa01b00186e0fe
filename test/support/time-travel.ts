import { SystemClock } from '../../src/shared/clock/system.clock';
import { DatabaseClocks } from '../../src/shared/db/database.clocks';
import { DatabaseTime } from '../../src/shared/db/database.time';

/**
 * Lets this process live at another time, in which the clock goes on; its monotonic clock and what databases say follow.
 * Timers, `new Date()` and statements of databases do not.
 */
export class TimeTravel implements Disposable {
  private readonly real = {
    now: Date.now,
    monotonic: SystemClock.prototype.monotonic,
    shownBy: DatabaseClocks.prototype.shownBy,
    nowIn: DatabaseTime.prototype.nowIn,
  };
  private offset = 0;
  private jumped = 0;

  constructor(instant: string) {
    const { now, monotonic, shownBy, nowIn } = this.real;
    this.to(instant);
    Date.now = () => Math.floor(now() + this.offset + this.jumped);
    SystemClock.prototype.monotonic = () => monotonic.call(undefined) + this.offset;
    DatabaseClocks.prototype.shownBy = async (database) => (await shownBy(database)) + this.offset;
    const clock = new SystemClock();
    DatabaseTime.prototype.nowIn = async (sql) =>
      sql.kind === 'sqlite' ? clock.now() : (await nowIn.call(new DatabaseTime(clock), sql)) + this.offset;
  }

  /** Time passes, everywhere. */
  to(instant: string): void {
    this.offset = Date.parse(instant) - this.real.now();
  }

  /** The wall clock alone is set to another time, so many milliseconds ahead of where it was. */
  jump(ms: number): void {
    this.jumped += ms;
  }

  [Symbol.dispose](): void {
    Date.now = this.real.now;
    SystemClock.prototype.monotonic = this.real.monotonic;
    DatabaseClocks.prototype.shownBy = this.real.shownBy;
    DatabaseTime.prototype.nowIn = this.real.nowIn;
  }
}
