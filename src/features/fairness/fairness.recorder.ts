import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { isTransient } from '../../shared/db/db.errors';
import { Blocklist } from './fairness.blocklist';
import type { Findings, Flag } from './fairness.findings';
import { FindingsRepository, type Saved } from './fairness.findings.repository';
import { FairnessMetrics } from './fairness.metrics';

// A caller who waits longer would give up, and let in what was refused.
const patienceMs = 500;
// Findings that wait for the database; beyond it they are dropped: blocks still hold in this process.
const maxUnsaved = 10_000;

/** Writes what the rules have found, now or, when the database does not answer, as soon as it does. */
@Injectable()
export class Recorder {
  private unsaved: Findings[] = [];
  private waiting = 0;

  constructor(
    private readonly repository: FindingsRepository,
    private readonly blocklist: Blocklist,
    private readonly metrics: FairnessMetrics,
    private readonly logger: PinoLogger,
  ) {}

  /** Resolves when they are written, or in half a second; never rejects. */
  async record(findings: Findings): Promise<void> {
    if (findings.blocks.length + findings.flags.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    const written = this.write(findings).catch((error: unknown) => this.keep(findings, error));
    await Promise.race([written, late]);
    clearTimeout(timer);
  }

  /** Writes flags that nobody waits for. */
  async recordFlags(flags: readonly Flag[]): Promise<void> {
    if (flags.length > 0) this.count(await this.repository.save({ blocks: [], flags }, 'background'));
  }

  /** Tries again what could not be written; rejects while the database does not answer. */
  async retry(): Promise<void> {
    while (this.unsaved.length > 0) {
      const [findings] = this.unsaved as [Findings];
      // A block that was lifted or replaced meanwhile must not come back.
      const blocks = findings.blocks.filter((block) => this.blocklist.holds(block));
      try {
        await this.write({ blocks, flags: findings.flags });
      } catch (error) {
        if (isTransient(error)) throw error;
        // It would fail for ever, and all that waits behind it.
        this.logger.warn({ err: error, ...countsOf(findings) }, 'findings_dropped');
      }
      this.unsaved.shift();
      this.waiting -= sizeOf(findings);
    }
  }

  private async write(findings: Findings): Promise<void> {
    const saved = await this.repository.save(findings);
    const stored = new Map(saved.blocks.map((block) => [block.playerId, block]));
    for (const block of findings.blocks) this.blocklist.settle(block, stored.get(block.playerId) ?? block);
    this.count(saved);
  }

  private count({ flags }: Saved): void {
    for (const { rule } of flags) this.metrics.flagged(rule);
  }

  private keep(findings: Findings, error: unknown): void {
    const size = sizeOf(findings);
    const kept = isTransient(error) && this.waiting + size <= maxUnsaved;
    if (kept) {
      this.unsaved.push(findings);
      this.waiting += size;
    }
    this.logger.warn({ err: error, kept, ...countsOf(findings) }, 'findings_not_saved');
  }
}

function countsOf({ blocks, flags }: Findings) {
  return { blocks: blocks.length, flags: flags.length };
}

function sizeOf({ blocks, flags }: Findings): number {
  return blocks.length + flags.length;
}
