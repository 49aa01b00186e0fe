import { Injectable } from '@nestjs/common';
import type { CheckedEvent, Verdict } from '../../generated/aerie/fairness/v1/fairness';
import { Blocklist } from './fairness.blocklist';
import { Judge } from './fairness.judge';
import { FairnessMetrics } from './fairness.metrics';
import { Recorder } from './fairness.recorder';
import { Rulebook } from './fairness.rulebook';

/** Judges groups of events. While nobody is refused and all blocks are in memory, it asks no database. */
@Injectable()
export class Checker {
  constructor(
    private readonly rulebook: Rulebook,
    private readonly blocklist: Blocklist,
    private readonly judge: Judge,
    private readonly recorder: Recorder,
    private readonly metrics: FairnessMetrics,
  ) {}

  /** One verdict for each event, in order. A block that is made here is written before it is answered. */
  async check(events: readonly CheckedEvent[]): Promise<Verdict[]> {
    const began = performance.now();
    if (!this.rulebook.loaded) await this.rulebook.refresh();
    const beyond = this.blocklist.whole
      ? undefined
      : await this.blocklist.beyond(events.map(({ playerId }) => playerId));
    const judgement = this.judge.judge(events, beyond);
    await this.recorder.record(judgement);
    this.metrics.checked(performance.now() - began);
    return judgement.verdicts;
  }
}
