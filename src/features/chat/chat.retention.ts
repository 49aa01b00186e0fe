import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import { ChatRepository } from './chat.repository';
import { ChatSettings } from './chat.settings';

const pruneEveryMs = 60_000;
const dayMs = 86_400_000;
const maxReports = 100_000;
const maxPruned = 500;

/** What of chat is kept in tables, and until when: mutes a day beyond their end, reports as CHAT_REPORT_DAYS says. */
@Injectable()
export class ChatRetention {
  private prunedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly repository: ChatRepository,
    private readonly clock: Clock,
    private readonly settings: ChatSettings,
  ) {}

  /** Removes a piece of what is over. @throws AppError unavailable */
  async prune(keepReports = maxReports): Promise<void> {
    if (this.clock.monotonic() - this.prunedAt < pruneEveryMs) return;
    const now = this.clock.sure();
    if (now === undefined) return;
    const pruned = [
      await this.repository.pruneMutes(now - dayMs, maxPruned),
      await this.repository.pruneReports(now - this.settings.reportDays * dayMs, maxPruned),
      await this.repository.pruneReportsAbove(keepReports, maxPruned),
    ];
    // Where there is more it goes in the next rounds.
    if (Math.max(...pruned) < maxPruned) this.prunedAt = this.clock.monotonic();
  }
}
