const perCall = 0.1;
const most = 10;

/**
 * Further tries for a tenth of the calls, and some at the start: when a server is down for everybody, tries of everybody
 * would keep it down. Source: Finagle's RetryBudget
 */
export class RetryBudget {
  private left = most;

  /** A call has begun. */
  deposit(): void {
    this.left = Math.min(most, this.left + perCall);
  }

  /** True when one more try may be made now. */
  withdraw(): boolean {
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}
