import { SortedSlots } from './leaderboard.sorted-slots';
import { compareStandings, type Standing } from './leaderboard.standing';

const firstCapacity = 1024;

/** A stretch of a board. `rank`: that of the first. */
export interface Stretch {
  readonly rank: number;
  readonly standings: readonly Standing[];
}

/**
 * A board in memory: about 110 bytes a player, and microseconds for a rank among a million. Scores and times only grow,
 * so what arrives late or twice is harmless: the larger score is the newer one.
 */
export class Ranking {
  private readonly slots = new Map<string, number>();
  private readonly players: string[] = [];
  private scores = new Float64Array(firstCapacity);
  private times = new Float64Array(firstCapacity);
  private readonly free: number[] = [];
  private readonly order = new SortedSlots<Standing>((slot, standing) => this.compare(slot, standing));

  get size(): number {
    return this.slots.size;
  }

  get(playerId: string): Standing | undefined {
    const slot = this.slots.get(playerId);
    return slot === undefined ? undefined : this.standing(slot);
  }

  /** Takes a player's newer standing; an older one changes nothing. */
  put(standing: Standing): void {
    const slot = this.slots.get(standing.playerId);
    if (slot === undefined) this.insert(standing);
    else if (standing.score > (this.scores[slot] ?? 0)) this.move(slot, standing);
  }

  /** Makes a player's standing exactly this; undefined takes the player off the board. */
  set(playerId: string, standing: Standing | undefined): void {
    const slot = this.slots.get(playerId);
    if (slot === undefined) {
      if (standing) this.insert(standing);
    } else if (standing) this.move(slot, standing);
    else this.remove(slot);
  }

  /** 1 is the best; undefined without a score. */
  rankOf(playerId: string): number | undefined {
    const standing = this.get(playerId);
    return standing && this.order.before(standing) + 1;
  }

  /** The next `limit` after `after`, who need not be on the board any more; from the top without it. */
  page(after: Standing | undefined, limit: number): Stretch {
    const from = after ? this.order.upTo(after) : 0;
    return { rank: from + 1, standings: this.slice(from, limit) };
  }

  /** Up to `each` players on both sides of one, who is between them. */
  around(playerId: string, each: number): Stretch | undefined {
    const rank = this.rankOf(playerId);
    if (rank === undefined) return undefined;
    const from = Math.max(0, rank - 1 - each);
    return { rank: from + 1, standings: this.slice(from, rank + each - from) };
  }

  private slice(from: number, count: number): Standing[] {
    return this.order.slice(from, count).map((slot) => this.standing(slot));
  }

  private standing(slot: number): Standing {
    return { playerId: this.players[slot] ?? '', score: this.scores[slot] ?? 0, achievedAt: this.times[slot] ?? 0 };
  }

  private insert(standing: Standing): void {
    const slot = this.free.pop() ?? this.players.length;
    this.reserve(slot);
    this.players[slot] = standing.playerId;
    this.slots.set(standing.playerId, slot);
    this.write(slot, standing);
    this.order.insert(slot, standing);
  }

  private move(slot: number, standing: Standing): void {
    this.order.remove(this.standing(slot));
    this.write(slot, standing);
    this.order.insert(slot, standing);
  }

  private remove(slot: number): void {
    const standing = this.standing(slot);
    this.order.remove(standing);
    this.slots.delete(standing.playerId);
    this.players[slot] = '';
    this.free.push(slot);
  }

  private write(slot: number, { score, achievedAt }: Standing): void {
    this.scores[slot] = score;
    this.times[slot] = achievedAt;
  }

  private reserve(slot: number): void {
    if (slot < this.scores.length) return;
    this.scores = grown(this.scores);
    this.times = grown(this.times);
  }

  private compare(slot: number, standing: Standing): number {
    const score = this.scores[slot] ?? 0;
    if (score !== standing.score) return standing.score - score;
    return compareStandings(this.standing(slot), standing);
  }
}

function grown(values: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(values.length * 2);
  larger.set(values);
  return larger;
}
