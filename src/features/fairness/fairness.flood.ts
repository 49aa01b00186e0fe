const windowMs = 1000;
// About 60 MB in the worst case, both generations together.
const maxPlayers = 100_000;

/** An allowed event; `older` is the one that the player sent before it. `at`: monotonic milliseconds. */
interface Sample {
  readonly at: number;
  readonly eventId: string;
  older: Sample | undefined;
}

/**
 * Counts each player's allowed events of the last second. Two generations of players: what nobody touched for a second
 * goes away as a whole, with no timer for each player. A generation that is full is retired early: that forgets events,
 * so it may allow more and never refuses wrongly.
 */
export class Flood {
  private current = new Map<string, Sample>();
  private previous = new Map<string, Sample>();
  private rotatedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly capacity = maxPlayers) {}

  /**
   * Counts the event unless `max` are counted already. An event that is counted is allowed again, and counted once.
   * @returns 0, or the milliseconds until there is room.
   */
  take(playerId: string, eventId: string, at: number, max: number): number {
    this.retire(at);
    const newest = this.current.get(playerId) ?? this.previous.get(playerId);
    let count = 0;
    let inTheWay: Sample | undefined;
    let oldest: Sample | undefined;
    for (let sample = newest; sample && at - sample.at < windowMs; sample = sample.older) {
      if (sample.eventId === eventId) return 0;
      count += 1;
      if (count === max) inTheWay = sample;
      oldest = sample;
    }
    // Times that have left the window must not stay reachable, or a busy player's samples would never be freed.
    if (oldest) oldest.older = undefined;
    if (inTheWay) return windowMs - (at - inTheWay.at);
    this.current.set(playerId, { at, eventId, older: oldest && newest });
    if (this.current.size >= this.capacity) this.rotate(at);
    return 0;
  }

  /** Forgets what is over. */
  retire(at: number): void {
    if (at - this.rotatedAt >= windowMs) this.rotate(at);
  }

  /** Players of whom anything is remembered; one may be counted twice. */
  get size(): number {
    return this.current.size + this.previous.size;
  }

  private rotate(at: number): void {
    this.previous = this.current;
    this.current = new Map();
    this.rotatedAt = at;
  }
}
