import { Ranking } from './leaderboard.ranking';
import type { ScoresRepository } from './leaderboard.scores.repository';
import type { Standing } from './leaderboard.standing';

// Putting in as many takes some 3 ms, in which nobody else gets an answer.
const loadSize = 1000;
const catchUpSize = 200;
/** Above it a window is answered from the database: slower, and with bounded memory. */
const maxPlayers = 2_000_000;

/**
 * A window's ranking in memory and the revision of the window that it stands for. What this process applies is put in
 * right after its COMMIT; what others apply is fetched by revision.
 */
export class Board {
  readonly ranking = new Ranking();
  private loaded = false;
  private full = false;

  /** `alone`: no other process can apply anything. */
  constructor(
    private readonly windowId: number,
    private readonly repository: ScoresRepository,
    private revision: number,
    private readonly alone: boolean,
  ) {}

  /** False while it is being read, and with too many players for memory: then the database answers. */
  get usable(): boolean {
    return this.loaded && !this.full;
  }

  /** Whether all that was committed up to this revision is in it. */
  has(revision: number): boolean {
    return this.alone || this.revision >= revision;
  }

  /** Reads the board, with a pause after each part. What is applied meanwhile is put in as well. */
  async load(until: AbortSignal): Promise<void> {
    let last = '';
    for (;;) {
      const part = await this.repository.byPlayer(this.windowId, last, loadSize);
      for (const { playerId, score, achievedAt } of part) this.put({ playerId, score, achievedAt });
      last = part.at(-1)?.playerId ?? '';
      if (part.length < loadSize || this.full || until.aborted) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.loaded = !until.aborted;
  }

  /** After a COMMIT of this process that made the window's revision `revision`. */
  applied(revision: number, standings: readonly Standing[]): void {
    for (const standing of standings) this.put(standing);
    // With a gap another process was in between: its changes are still to be fetched.
    if (revision === this.revision + 1) this.revision = revision;
  }

  /** Fetches what others have applied up to `revision`. False: too long ago, the board has to be read anew. */
  async catchUp(revision: number): Promise<boolean> {
    while (!this.has(revision)) {
      const from = this.revision;
      const changes = await this.repository.changesAfter(this.windowId, from, catchUpSize);
      for (const change of changes) this.applied(change.revision, change.standings);
      // What follows has been forgotten.
      if (this.revision === from) return false;
    }
    return true;
  }

  private put(standing: Standing): void {
    if (this.full) return;
    this.ranking.put(standing);
    this.full = this.ranking.size > maxPlayers;
  }
}
