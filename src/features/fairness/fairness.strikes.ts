import { LRUCache } from 'lru-cache';

const restMs = 1000;
const maxPlayers = 20_000;

/** Remembers who was refused for sending too fast, and when. Of the players with strikes the longest unseen are forgotten. */
export class Strikes {
  private readonly players: LRUCache<string, readonly number[]>;

  constructor(capacity = maxPlayers) {
    this.players = new LRUCache({ max: capacity });
  }

  /**
   * A refusal is a strike unless another one was less than a second before. `at`: monotonic milliseconds.
   * @returns the strikes in the window, with this one; 0 when it is none.
   */
  add(playerId: string, at: number, windowMs: number): number {
    const before = this.within(playerId, at, windowMs);
    const last = before.at(-1);
    if (last !== undefined && at - last < restMs) return 0;
    this.players.set(playerId, [...before, at]);
    return before.length + 1;
  }

  count(playerId: string, at: number, windowMs: number): number {
    return this.within(playerId, at, windowMs).length;
  }

  forget(playerId: string): void {
    this.players.delete(playerId);
  }

  get size(): number {
    return this.players.size;
  }

  private within(playerId: string, at: number, windowMs: number): readonly number[] {
    return (this.players.get(playerId) ?? []).filter((time) => at - time < windowMs);
  }
}
