import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import { BlocksRepository } from './fairness.blocks.repository';

const keepMs = 24 * 3_600_000;
const everyMs = 60_000;
const maxRows = 1000;

/** Removes blocks that ended more than a day ago, a bounded number at a time. */
@Injectable()
export class Pruner {
  private prunedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly repository: BlocksRepository,
    private readonly clock: Clock,
  ) {}

  /** At most once a minute, unless there was more than fits at once. */
  async prune(): Promise<void> {
    if (this.clock.monotonic() - this.prunedAt < everyMs) return;
    const now = this.clock.sure();
    if (now === undefined) return;
    const removed = await this.repository.prune(now - keepMs, maxRows);
    if (removed < maxRows) this.prunedAt = this.clock.monotonic();
  }
}
