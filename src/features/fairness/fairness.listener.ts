import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Bus, type BusMessage } from '../../shared/bus/bus';
import { acceptedEvents, type JournalEvent } from '../events-gateway/events-gateway.events';
import { FairnessRecorder } from './fairness.recorder';
import { FairnessScorer } from './fairness.scorer';

const consumer = 'fairness';
const maxGroup = 500;
const gatherMs = 50;

/** Scores accepted events. Advisory: nobody waits for it, and what it misses is not sent again. */
@Injectable()
export class FairnessListener implements OnModuleInit {
  constructor(
    private readonly bus: Bus,
    private readonly scorer: FairnessScorer,
    private readonly recorder: FairnessRecorder,
    private readonly logger: PinoLogger,
  ) {}

  onModuleInit(): void {
    this.bus.subscribe(acceptedEvents, { consumer, maxGroup, gatherMs }, (messages) => this.score(messages));
  }

  private async score(messages: readonly BusMessage<JournalEvent>[]): Promise<void> {
    try {
      await this.recorder.recordFlags(await this.scorer.score(messages.map(({ body }) => body)));
    } catch (error) {
      this.logger.warn({ err: error, count: messages.length }, 'scoring_failed');
    }
  }
}
