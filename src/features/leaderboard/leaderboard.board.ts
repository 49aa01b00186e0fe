import { Ranking } from './leaderboard.ranking';
import type { ScoresRepository } from './leaderboard.scores.repository';
import type { Standing } from './leaderboard.standing';

const loadSize = 2000;
const maxMissed = 20_000;
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

  /** Reads the board, top first, with a pause after each part. What is applied meanwhile is put in as well. */
  async load(until: AbortSignal): Promise<void> {
    let last: Standing | undefined;
    for (;;) {
      const part = await this.repository.page(this.windowId, last, loadSize);
      for (const standing of part) this.put(standing);
      last = part.at(-1);
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

  /** Fetches what others have applied up to `revision`. False: too much was missed, the board has to be read anew. */
  async catchUp(revision: number): Promise<boolean> {
    if (this.has(revision)) return true;
    const missed = await this.repository.changedSince(this.windowId, this.revision, maxMissed);
    if (missed.length === maxMissed) return false;
    for (const standing of missed) this.put(standing);
    // What was committed while it was read has a higher revision and is fetched when somebody asks for that.
    this.revision = Math.max(this.revision, revision);
    return true;
  }

  private put(standing: Standing): void {
    if (this.full) return;
    this.ranking.put(standing);
    this.full = this.ranking.size > maxPlayers;
  }
}
