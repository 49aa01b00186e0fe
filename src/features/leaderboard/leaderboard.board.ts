import { Ranking } from './leaderboard.ranking';
import type { ScoresRepository } from './leaderboard.scores.repository';
import type { Standing } from './leaderboard.standing';

// Most boards end here.
const firstSize = 1000;
const loadSize = 10_000;
// Takes some 2 ms, in which nobody else gets an answer.
const putSize = 1000;
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

  /** Reads the board, with pauses. What is applied meanwhile is put in as well. */
  async load(until: AbortSignal): Promise<void> {
    let size = firstSize;
    let next = this.read('', size);
    for (let last: string | undefined = ''; last !== undefined && !this.full && !until.aborted; ) {
      const part = await next;
      last = part.length === size ? part.at(-1)?.playerId : undefined;
      size = loadSize;
      // The next part is read while this one is put in.
      if (last !== undefined) next = this.read(last, size);
      await this.putAll(part, until);
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

  private read(after: string, size: number): Promise<readonly Standing[]> {
    const part = this.repository.byPlayer(this.windowId, after, size);
    // It may fail before, or without, anybody waiting for it; whoever waits has the error.
    part.catch(ignore);
    return part;
  }

  private async putAll(standings: readonly Standing[], until: AbortSignal): Promise<void> {
    for (let from = 0; from < standings.length && !until.aborted; from += putSize) {
      for (const standing of standings.slice(from, from + putSize)) this.put(standing);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  private put(standing: Standing): void {
    if (this.full) return;
    this.ranking.put(standing);
    this.full = this.ranking.size > maxPlayers;
  }
}

function ignore(): void {
  return;
}
