/** Lets this process live at another time, in which the clock goes on. Timers, `new Date()` and databases do not follow. */
export class TimeTravel implements Disposable {
  private readonly real = Date.now;
  private offset = 0;

  constructor(instant: string) {
    this.to(instant);
    Date.now = () => Math.floor(this.real() + this.offset);
  }

  to(instant: string): void {
    this.offset = Date.parse(instant) - this.real();
  }

  [Symbol.dispose](): void {
    Date.now = this.real;
  }
}
