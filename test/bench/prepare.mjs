// Signed events, made in bulk before anything is measured.
import { createHmac, randomBytes } from 'node:crypto';
import { encodeTime } from 'ulid';

export const secret = 'aerie-development-secret-do-not-use';
// Fairness is on, and allows a player 10 events a second: in turn, so many players may send 240,000 a second together.
export const players = 24_000;

// ULIDs as a server that sends this many events in a millisecond would make them.
const idsPerMillisecond = 20;

/** Makes events of one run: `{ id, player, points, event }`, where `player` is the number of a player. */
export class EventSource {
  #made = 0;
  #random = Buffer.alloc(0);
  #used = 0;

  constructor(run) {
    this.run = run;
    this.began = Date.now();
    this.occurredAt = new Date().toISOString();
  }

  id() {
    if (this.#used + 8 > this.#random.length) {
      this.#random = randomBytes(65_536);
      this.#used = 0;
    }
    const random = this.#random.toString('hex', this.#used, this.#used + 8).toUpperCase();
    this.#used += 8;
    this.#made += 1;
    return encodeTime(this.began + Math.floor(this.#made / idsPerMillisecond)) + random;
  }

  next() {
    const id = this.id();
    const player = this.#made % players;
    // Within the caps of every type.
    const points = 1 + Math.floor(Math.random() * 999);
    const kind = Math.random();
    const common = { playerId: playerName(this.run, player), occurredAt: this.occurredAt };
    if (kind < 0.8)
      return {
        id,
        player,
        points,
        event: { type: 'progression', ...common, payload: { deltaXp: points, activity: 'quest' } },
      };
    if (kind < 0.95) {
      const payload = { bossId: `boss-${points % 40}`, tier: 1 + (points % 10), points };
      return { id, player, points, event: { type: 'boss_kill', ...common, payload } };
    }
    const weight = 1 + (points % 50);
    return {
      id,
      player,
      points: weight * 100,
      event: { type: 'drop_claimed', ...common, payload: { dropId: `d-${id}`, weight } },
    };
  }
}

export function playerName(run, player) {
  return `${run}-${player}`;
}

/** One request with one event. */
export function single(source) {
  const { id, player, points, event } = source.next();
  return { ...signed(id, JSON.stringify(event)), players: [player], points: [points] };
}

/** One request with `size` events. */
export function batch(source, size) {
  const made = Array.from({ length: size }, () => source.next());
  const body = JSON.stringify({ events: made.map(({ id, event }) => ({ id, ...event })) });
  return {
    ...signed(source.id(), body),
    players: made.map(({ player }) => player),
    points: made.map(({ points }) => points),
  };
}

export function signed(id, json) {
  const body = Buffer.from(json);
  const timestamp = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest('hex');
  return { id, timestamp, signature, body };
}
