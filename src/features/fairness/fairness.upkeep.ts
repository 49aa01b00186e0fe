import { Injectable } from '@nestjs/common';
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

  async run(): Promise<void> {
    this.judge.sweep();
    await this.rulebook.refresh();
    await this.blocklist.refresh();
    await this.recorder.retry();
    await this.pruner.prune();
  }
}
