import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import type { BlockRow } from './fairness.entity';
import type { Block } from './fairness.findings';
import { FairnessRepository } from './fairness.repository';

// About 30 MB.
const maxBlocks = 100_000;
const pageSize = 1000;
// Clocks of processes may differ by so much, and a transaction may take so long to commit.
const overlapMs = 10_000;
// A block that has ended stays this long, so that an older version of it cannot come back.
const keepMs = 2 * overlapMs;
const reloadMs = 30_000;

/**
 * The blocks that hold, in memory: those made here at once, those made elsewhere when the database is looked at again.
 * Bounded: while it is not `whole`, `beyond` asks the database about the players of a group.
 */
@Injectable()
export class BlockCache {
  private readonly blocks = new Map<string, Block>();
  private complete = false;
  private loadedAt = Number.NEGATIVE_INFINITY;
  private readUntil = 0;

  constructor(
    private readonly repository: FairnessRepository,
    private readonly clock: Clock,
  ) {}

  /** The block that holds for a player. `now`: milliseconds since 1970. */
  get(playerId: string, now: number): Block | undefined {
    const block = this.blocks.size === 0 ? undefined : this.blocks.get(playerId);
    return block && block.blockedUntil > now ? block : undefined;
  }

  /** True while this very block is what is known of its player. */
  holds(block: Block): boolean {
    return this.blocks.get(block.playerId) === block;
  }

  /** Of two versions of a player's block the one that was changed last stays. */
  put(block: Block): void {
    const known = this.blocks.get(block.playerId);
    if (known && known.changedAt > block.changedAt) return;
    if (!known && this.blocks.size >= maxBlocks) this.complete = false;
    else this.blocks.set(block.playerId, block);
  }

  /** Keeps what the database made of a block, unless something newer is known by now. */
  settle(block: Block, stored: Block): void {
    if (this.holds(block)) this.blocks.set(block.playerId, stored);
    else this.put(stored);
  }

  /** The player is free again. `ended`: the row that says so, if there was one. */
  lift(playerId: string, ended: Block | undefined): void {
    const known = this.blocks.get(playerId);
    if (ended) this.put(ended);
    // It was never written, so nothing is there to end.
    else if (known) this.blocks.delete(playerId);
  }

  /** True when every block that holds is in memory. */
  get whole(): boolean {
    return this.complete;
  }

  /** The blocks that the database has of those players of whom memory knows nothing. */
  async beyond(playerIds: readonly string[]): Promise<Map<string, Block>> {
    const unknown = [...new Set(playerIds)].filter((playerId) => !this.blocks.has(playerId));
    const found = unknown.length === 0 ? [] : await this.repository.blocksOf(unknown);
    return new Map(found.map((block) => [block.playerId, block]));
  }

  /** Learns what others have changed, and forgets what is over. @throws AppError unavailable */
  async refresh(): Promise<void> {
    this.sweep();
    if (!this.complete && this.clock.monotonic() - this.loadedAt >= reloadMs) await this.load();
    const now = this.clock.steady();
    const start = { at: Math.min(this.readUntil, now) - overlapMs, seq: 0 };
    for await (const page of pages((last) =>
      this.repository.changedBlocks(last ? { at: last.changedAt, seq: last.seq } : start, pageSize),
    ))
      for (const block of page) this.put(block);
    this.readUntil = now;
  }

  get size(): number {
    return this.blocks.size;
  }

  private async load(): Promise<void> {
    const now = this.clock.steady();
    this.complete = true;
    try {
      for await (const page of pages((last) => this.repository.activeBlocks(last?.seq ?? 0, pageSize))) {
        for (const block of page) this.put(block);
        if (!this.complete) break;
      }
    } catch (error) {
      this.complete = false;
      throw error;
    }
    this.loadedAt = this.clock.monotonic();
    this.readUntil = now;
  }

  private sweep(): void {
    const now = this.clock.sure();
    if (now === undefined) return;
    for (const [playerId, { blockedUntil, changedAt }] of this.blocks)
      if (blockedUntil <= now && changedAt < now - keepMs) this.blocks.delete(playerId);
  }
}

/** The blocks that `read` answers, page by page. It is given the last one of the page before. */
async function* pages(read: (last: BlockRow | undefined) => Promise<BlockRow[]>): AsyncGenerator<BlockRow[]> {
  for (let last: BlockRow | undefined; ; ) {
    const page = await read(last);
    yield page;
    last = page.at(-1);
    if (page.length < pageSize) return;
  }
}
