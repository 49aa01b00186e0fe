import { Injectable } from '@nestjs/common';
import { Jobs, type NamedJobs } from '../../shared/async/jobs';
import { Worker } from '../../shared/async/worker';
import { Clock } from '../../shared/clock/clock';
import { BlockCache } from './fairness.block-cache';
import { FairnessCounters } from './fairness.counters';
import { FairnessRecorder } from './fairness.recorder';
import { FairnessRepository } from './fairness.repository';
import { RuleCache } from './fairness.rule-cache';

const keepBlocksMs = 24 * 3_600_000;
const pruneEveryMs = 60_000;
const maxPruned = 1000;

/**
 * Sees to it each second that this process knows what holds, and the database what was found here. While the database does
 * not answer, what is known stays in force, and what is not written is kept.
 */
@Injectable()
export class FairnessWorker extends Worker {
  private prunedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly rules: RuleCache,
    private readonly blocks: BlockCache,
    private readonly counters: FairnessCounters,
    private readonly recorder: FairnessRecorder,
    private readonly repository: FairnessRepository,
    private readonly clock: Clock,
    jobs: Jobs,
  ) {
    super(jobs, { everyMs: 1000 });
  }

  protected override work(): NamedJobs {
    return {
      'fairness.windows': () => this.counters.sweep(),
      'fairness.rules': () => this.rules.refresh(),
      'fairness.blocks': () => this.blocks.refresh(),
      'fairness.findings': () => this.recorder.retry(),
      'fairness.pruning': () => this.pruneBlocks(),
    };
  }

  /** Rules and blocks are known before the first event comes. */
  override async onApplicationBootstrap(): Promise<void> {
    await this.jobs.round(this.work());
    await super.onApplicationBootstrap();
  }

  /** The last findings are written, too. */
  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    await this.jobs.round(this.work());
  }

  /** Removes blocks that ended more than a day ago: once a minute, unless there were more than fit at once. */
  private async pruneBlocks(): Promise<void> {
    if (this.clock.monotonic() - this.prunedAt < pruneEveryMs) return;
    const now = this.clock.sure();
    if (now === undefined) return;
    if ((await this.repository.pruneBlocks(now - keepBlocksMs, maxPruned)) < maxPruned)
      this.prunedAt = this.clock.monotonic();
  }
}
