import { Injectable } from '@nestjs/common';
import type { NamedJobs } from '../../shared/async/jobs';
import { Blocklist } from './fairness.blocklist';
import { Judge } from './fairness.judge';
import { Pruner } from './fairness.pruner';
import { Recorder } from './fairness.recorder';
import { Rulebook } from './fairness.rulebook';

/** What has to be done again and again so that this process knows what holds, and the database what was found here. */
@Injectable()
export class Upkeep {
  constructor(
    private readonly rulebook: Rulebook,
    private readonly blocklist: Blocklist,
    private readonly judge: Judge,
    private readonly recorder: Recorder,
    private readonly pruner: Pruner,
  ) {}

  /** What is known stays in force, what is not written is kept. */
  readonly jobs: NamedJobs = {
    'fairness.windows': () => this.judge.sweep(),
    'fairness.rules': () => this.rulebook.refresh(),
    'fairness.blocks': () => this.blocklist.refresh(),
    'fairness.findings': () => this.recorder.retry(),
    'fairness.pruning': () => this.pruner.prune(),
  };
}
