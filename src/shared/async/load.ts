import { Injectable } from '@nestjs/common';

const windowMs = 20;
const saturated = 0.95;
const manyCallers = 16;
const share = 4;
const maxPauseMs = 250;

/**
 * Knows how many callers wait for this thread. Background work asks `giveWay` between its groups: while callers are waiting and the
 * thread has no idle moment, it leaves them four fifths of the time; what it does not get done waits on disk.
 */
@Injectable()
export class Load {
  private callers = 0;
  private utilization = performance.eventLoopUtilization();
  private latest = 0;
  private measuredAt = 0;

  /** `count` callers wait for an answer. */
  begin(count: number): void {
    this.callers += count;
  }

  end(count: number): void {
    this.callers -= count;
  }

  /** After background work that took `workedMs`. */
  async giveWay(workedMs: number): Promise<void> {
    if (this.callers < manyCallers || this.busyShare() < saturated) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(maxPauseMs, workedMs * share)));
  }

  private busyShare(): number {
    const now = performance.now();
    if (now - this.measuredAt < windowMs) return this.latest;
    const current = performance.eventLoopUtilization();
    this.latest = performance.eventLoopUtilization(current, this.utilization).utilization;
    this.utilization = current;
    this.measuredAt = now;
    return this.latest;
  }
}
