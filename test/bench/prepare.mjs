// Signed events, made in bulk before anything is measured.
import { createHmac, randomBytes } from 'node:crypto';
import { encodeTime } from 'ulid';

export const secret = 'aerie-development-secret-do-not-use';
// Fairness is on and allows a player 10 events a second: in turn, so many players may send 240,000 a second together.
export const players = 24_000;

// ULIDs as a server that sends this many events in a millisecond would make them.
const idsPerMillisecond = 20;
// Coprime with the number of players and with the minute's milliseconds: each is met once before any is met again.
const stride = 7919;
const minuteMs = 60_000;

/**
 * What events are made of. All points are alike, so that no event is an outlier to fairness, and within its caps.
 * kind: no player reaches a level or earns anything. usual: as a game sends them. rewards: a level almost every event,
 * a chest every sixth, and boss kills and drops, of which each earns a reward.
 */
const mixes = {
  kind: { progression: 1, bossKills: 0, least: 1, most: 9 },
  usual: { progression: 0.8, bossKills: 0.15, least: 1, most: 999 },
  rewards: { progression: 0.6, bossKills: 0.25, least: 600, most: 999 },
};

/** Makes the events of one run: `{ id, player, points, event }`, where `player` is the number of a player. */
export class EventSource {
  #ids = 0;
  #events = 0;
  #random = Buffer.alloc(0);
  #used = 0;

  constructor(run) {
    this.run = run;
    this.began = Date.now();
    this.now = this.began;
  }

  id() {
    if (this.#used + 8 > this.#random.length) {
      this.#random = randomBytes(65_536);
      this.#used = 0;
    }
    const random = this.#random.toString('hex', this.#used, this.#used + 8).toUpperCase();
    this.#used += 8;
    this.#ids += 1;
    return encodeTime(this.began + Math.floor(this.#ids / idsPerMillisecond)) + random;
  }

  /** Another player and another time than any of the events just before it, as events of many clients have. */
  next(mix = 'usual') {
    const id = this.id();
    const { progression, bossKills, least, most } = mixes[mix];
    this.#events += 1;
    const player = (this.#events * stride) % players;
    const occurredAt = new Date(this.now - ((this.#events * stride) % minuteMs)).toISOString();
    const common = { playerId: playerName(this.run, player), occurredAt };
    const points = least + Math.floor(Math.random() * (most - least + 1));
    const kind = Math.random();
    if (kind < progression) {
      const payload = { deltaXp: points, activity: 'quest' };
      return { id, player, points, event: { type: 'progression', ...common, payload } };
    }
    if (kind < progression + bossKills) {
      const payload = { bossId: `boss-${points % 40}`, tier: 1 + (points % 10), points };
      return { id, player, points, event: { type: 'boss_kill', ...common, payload } };
    }
    const weight = Math.ceil(points / 100);
    const payload = { dropId: `d-${id}`, weight };
    return { id, player, points: weight * 100, event: { type: 'drop_claimed', ...common, payload } };
  }
}

export function playerName(run, player) {
  return `${run}-${player}`;
}

/** One request with one event. */
export function single(source, mix) {
  const { id, player, points, event } = source.next(mix);
  return { ...signed(id, JSON.stringify(event)), players: [player], points: [points] };
}

/** One request with `size` events. */
export function batch(source, size, mix) {
  const made = Array.from({ length: size }, () => source.next(mix));
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
