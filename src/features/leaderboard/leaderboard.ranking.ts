import { SortedSlots } from './leaderboard.sorted-slots';

/** The score of a player in a window. `achievedAt` is the time of the latest event that counted, milliseconds since 1970. */
export interface PlayerScore {
  readonly playerId: string;
  readonly score: number;
  readonly achievedAt: number;
}

/** Scores that follow each other on a board; `rank` is that of the first. */
export interface RankedScores {
  readonly rank: number;
  readonly scores: readonly PlayerScore[];
}

const firstCapacity = 1024;
// Callers ask for no larger pages; this process itself does.
const mostKept = 100;

/**
 * A board in memory: about 110 bytes a player, and microseconds for a rank among a million. Scores and times only grow,
 * so what arrives late or twice is harmless: the larger score is the newer one.
 */
export class Ranking {
  private readonly slots = new Map<string, number>();
  private readonly players: string[] = [];
  private points = new Float64Array(firstCapacity);
  private times = new Float64Array(firstCapacity);
  private readonly free: number[] = [];
  // By their limit; as long as nothing changes.
  private readonly firstPages = new Map<number, RankedScores>();
  private readonly order = new SortedSlots<PlayerScore>((slot, player) => this.compare(slot, player));

  get size(): number {
    return this.slots.size;
  }

  get(playerId: string): PlayerScore | undefined {
    const slot = this.slots.get(playerId);
    return slot === undefined ? undefined : this.at(slot);
  }

  /** Takes a player's newer score; an older one changes nothing. */
  put(player: PlayerScore): void {
    const slot = this.slots.get(player.playerId);
    if (slot === undefined) this.insert(player);
    else if (player.score > (this.points[slot] ?? 0)) this.move(slot, player);
  }

  /** Makes a player's score exactly this; undefined takes the player off the board. */
  set(playerId: string, player: PlayerScore | undefined): void {
    const slot = this.slots.get(playerId);
    if (slot === undefined) {
      if (player) this.insert(player);
    } else if (player) this.move(slot, player);
    else this.remove(slot);
  }

  /** The best rank is 1; a player without a score has none. */
  rankOf(playerId: string): number | undefined {
    const player = this.get(playerId);
    return player && this.order.before(player) + 1;
  }

  /**
   * The next `limit` after `after`, who need not be on the board any more; from the top without it. Of callers' sizes a first page is the
   * same object until the ranking changes.
   */
  page(after: PlayerScore | undefined, limit: number): RankedScores {
    const known = after ? undefined : this.firstPages.get(limit);
    if (known) return known;
    const from = after ? this.order.upTo(after) : 0;
    const page = { rank: from + 1, scores: this.slice(from, limit) };
    if (!after && limit <= mostKept) this.firstPages.set(limit, page);
    return page;
  }

  /** Up to `each` players on both sides of one, who is between them. */
  around(playerId: string, each: number): RankedScores | undefined {
    const rank = this.rankOf(playerId);
    if (rank === undefined) return undefined;
    const from = Math.max(0, rank - 1 - each);
    return { rank: from + 1, scores: this.slice(from, rank + each - from) };
  }

  private slice(from: number, count: number): PlayerScore[] {
    return this.order.slice(from, count).map((slot) => this.at(slot));
  }

  private at(slot: number): PlayerScore {
    return { playerId: this.players[slot] ?? '', score: this.points[slot] ?? 0, achievedAt: this.times[slot] ?? 0 };
  }

  private insert(player: PlayerScore): void {
    this.firstPages.clear();
    const slot = this.free.pop() ?? this.players.length;
    this.reserve(slot);
    this.players[slot] = player.playerId;
    this.slots.set(player.playerId, slot);
    this.write(slot, player);
    this.order.insert(slot, player);
  }

  private move(slot: number, player: PlayerScore): void {
    this.firstPages.clear();
    this.order.remove(this.at(slot));
    this.write(slot, player);
    this.order.insert(slot, player);
  }

  private remove(slot: number): void {
    this.firstPages.clear();
    const player = this.at(slot);
    this.order.remove(player);
    this.slots.delete(player.playerId);
    this.players[slot] = '';
    this.free.push(slot);
  }

  private write(slot: number, { score, achievedAt }: PlayerScore): void {
    this.points[slot] = score;
    this.times[slot] = achievedAt;
  }

  private reserve(slot: number): void {
    if (slot < this.points.length) return;
    this.points = grown(this.points);
    this.times = grown(this.times);
  }

  /** The one order of every board: higher score, then who had it earlier, then player id by code points. */
  private compare(slot: number, { score, achievedAt, playerId }: PlayerScore): number {
    const byScore = score - (this.points[slot] ?? 0);
    if (byScore !== 0) return byScore;
    const byTime = (this.times[slot] ?? 0) - achievedAt;
    if (byTime !== 0) return byTime;
    // Player ids are ASCII, where UTF-16 and code points agree.
    const id = this.players[slot] ?? '';
    if (id === playerId) return 0;
    return id < playerId ? -1 : 1;
  }
}

function grown(values: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(values.length * 2);
  larger.set(values);
  return larger;
}
