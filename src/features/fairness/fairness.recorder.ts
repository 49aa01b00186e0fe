import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { TimeLimitError, within } from '../../shared/async/within';
import { isTransient } from '../../shared/db/db.errors';
import { BlockCache } from './fairness.block-cache';
import { type Findings, type Flag, oneByOne, together } from './fairness.findings';
import { FairnessMetrics } from './fairness.metrics';
import { FairnessRepository } from './fairness.repository';

// A caller who waits longer would give up, and let in what was refused.
const patienceMs = 500;
// Findings that wait for the database; beyond it they are dropped: blocks still hold in this process.
const maxUnsaved = 10_000;
const groupSize = 500;
const maxTries = 5;

interface Unsaved {
  /** One block or one flag. */
  readonly finding: Findings;
  /** So often it failed though the database answers. */
  tries: number;
}

/**
 * Writes what the rules have found, now or, when the database does not answer, as soon as it does. A group that fails as a
 * whole is written one by one, and what fails five times by itself is dropped; both are metrics.
 */
@Injectable()
export class FairnessRecorder {
  private unsaved: Unsaved[] = [];

  constructor(
    private readonly repository: FairnessRepository,
    private readonly blocks: BlockCache,
    private readonly metrics: FairnessMetrics,
    private readonly logger: PinoLogger,
  ) {}

  /** Resolves when they are written, or in half a second; never rejects. */
  async record(findings: Findings): Promise<void> {
    if (findings.blocks.length + findings.flags.length === 0) return;
    try {
      await within(this.save(findings), patienceMs);
    } catch (error) {
      // Saving goes on by itself.
      if (!(error instanceof TimeLimitError)) throw error;
    }
  }

  /** Writes flags that nobody waits for; never rejects. */
  async recordFlags(flags: readonly Flag[]): Promise<void> {
    if (flags.length > 0) await this.save({ blocks: [], flags }, 'background');
  }

  /** Tries again what could not be written. @throws AppError unavailable while the database does not answer */
  async retry(): Promise<void> {
    for (let failed = 0; this.unsaved.length > failed; ) {
      const group = this.unsaved.slice(failed, failed + groupSize);
      failed += (await this.retryGroup(group)).length;
    }
  }

  /** Those that failed again. */
  private async retryGroup(group: readonly Unsaved[]): Promise<readonly Unsaved[]> {
    try {
      await this.write(this.stillTrue(group));
      this.forget(group);
      return [];
    } catch (error) {
      if (isTransient(error)) throw error;
    }
    const failed: Unsaved[] = [];
    for (const one of group) if (!(await this.retryOne(one))) failed.push(one);
    return failed;
  }

  /** False when it stays here for another time. */
  private async retryOne(one: Unsaved): Promise<boolean> {
    try {
      await this.write(this.stillTrue([one]));
    } catch (error) {
      if (isTransient(error)) throw error;
      one.tries += 1;
      if (one.tries < maxTries) return false;
      this.metrics.dropped(kindOf(one.finding));
      this.logger.error({ err: error, ...describe(one.finding) }, 'findings_dropped');
    }
    this.forget([one]);
    return true;
  }

  private async save(findings: Findings, priority?: 'background'): Promise<void> {
    try {
      await this.write(findings, priority);
    } catch (error) {
      if (isTransient(error)) this.keep(oneByOne(findings), 0, error);
      else for (const finding of oneByOne(findings)) await this.saveOne(finding, priority);
    }
  }

  private async saveOne(finding: Findings, priority?: 'background'): Promise<void> {
    try {
      await this.write(finding, priority);
    } catch (error) {
      this.keep([finding], isTransient(error) ? 0 : 1, error);
    }
  }

  /** A block that was lifted or replaced meanwhile must not come back. */
  private stillTrue(group: readonly Unsaved[]): Findings {
    const { blocks, flags } = together(group.map(({ finding }) => finding));
    return { blocks: blocks.filter((block) => this.blocks.holds(block)), flags };
  }

  private async write(findings: Findings, priority?: 'background'): Promise<void> {
    if (findings.blocks.length + findings.flags.length === 0) return;
    const saved = await this.repository.save(findings, priority);
    const stored = new Map(saved.blocks.map((block) => [block.playerId, block]));
    for (const block of findings.blocks) this.blocks.settle(block, stored.get(block.playerId) ?? block);
    for (const { rule } of saved.flags) this.metrics.flagged(rule);
  }

  private keep(findings: readonly Findings[], tries: number, error: unknown): void {
    const room = findings.slice(0, Math.max(0, maxUnsaved - this.unsaved.length));
    this.unsaved.push(...room.map((finding) => ({ finding, tries })));
    for (const finding of findings) this.metrics.notSaved(kindOf(finding));
    for (const finding of findings.slice(room.length)) this.metrics.dropped(kindOf(finding));
    this.metrics.waiting(this.unsaved.length);
    const kept = room.length === findings.length;
    this.logger.warn({ err: error, kept, count: findings.length }, 'findings_not_saved');
  }

  private forget(done: readonly Unsaved[]): void {
    const gone = new Set(done);
    this.unsaved = this.unsaved.filter((one) => !gone.has(one));
    this.metrics.waiting(this.unsaved.length);
  }
}

function kindOf({ blocks }: Findings): 'block' | 'flag' {
  return blocks.length > 0 ? 'block' : 'flag';
}

function describe({ blocks, flags }: Findings): object {
  const [found] = [...blocks, ...flags];
  return { player_id: found?.playerId, rule: found?.rule };
}
