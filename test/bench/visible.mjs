// From accepted to visible: of some of the events it is asked, again and again, until the player's XP and the player's score
// have them.
import { setTimeout as sleep } from 'node:timers/promises';
import { httpWire } from './http-wire.mjs';
import { playerName } from './prepare.mjs';
import { quantiles } from './statistics.mjs';

/** Where an event shows, and what of the answer has grown by its points. */
const places = {
  progress: { pathOf: (player) => `/players/${player}/progress`, pointsOf: ({ xp }) => xp },
  // The board that closes least often: what is accepted around its end counts for another one.
  board: {
    pathOf: (player) => `/leaderboard/players/${player}?window=seasonal&around=0`,
    pointsOf: ({ score }) => score,
  },
};
const patienceMs = 30_000;
const connections = 16;
const monotonic = () => performance.now();

/**
 * Milliseconds from `acceptedAt` until an answer of `read()` was there that has `expected`, so at most one read and one pause
 * more than it took. Undefined when it had not after `patience` milliseconds.
 */
export async function untilVisible({ read, expected, acceptedAt, everyMs, patience = patienceMs, now, pause }) {
  const [clock, rest] = [now ?? monotonic, pause ?? sleep];
  for (;;) {
    const value = await read();
    const passed = clock() - acceptedAt;
    if (value >= expected) return passed;
    if (passed > patience) return undefined;
    await rest(everyMs);
  }
}

/** What a row has of these milliseconds, of which none is there for an event that was not seen. */
export function visibleRow(found) {
  const rows = Object.entries(found).map(([place, all]) => {
    const seen = all.filter((ms) => ms !== undefined);
    if (seen.length === 0) return {};
    const { p50, p95, p99 } = quantiles(seen);
    return { [`${place}P50`]: p50, [`${place}P95`]: p95, [`${place}P99`]: p99, [`${place}Samples`]: seen.length };
  });
  return Object.assign({}, ...rows);
}

/** Looks for every `every`th of the accepted events. */
export class Visibility {
  #accepted = 0;
  #looking = Object.fromEntries(Object.keys(places).map((place) => [place, []]));
  #statuses = {};

  static at(target, run, options) {
    return new Visibility(httpWire(target, { connections, kind: 'look' }), run, options);
  }

  constructor(wire, run, { every, everyMs }) {
    this.wire = wire;
    this.run = run;
    this.every = every;
    this.everyMs = everyMs;
  }

  /** `expected`: all points that this player should have by now. */
  accepted(player, expected, acceptedAt) {
    this.#accepted += 1;
    if ((this.#accepted - 1) % this.every !== 0) return;
    for (const [place, { pathOf, pointsOf }] of Object.entries(places)) {
      const item = this.wire.encode({ path: pathOf(playerName(this.run, player)) });
      const read = () => this.#read(item, pointsOf);
      this.#looking[place].push(untilVisible({ read, expected, acceptedAt, everyMs: this.everyMs }));
    }
  }

  /** Once all are seen or given up: what a row has of it, and what went wrong, as statuses. */
  async result() {
    const found = {};
    for (const [place, looking] of Object.entries(this.#looking)) found[place] = await Promise.all(looking);
    const unseen = Object.values(found)
      .flat()
      .filter((ms) => ms === undefined).length;
    if (unseen > 0) this.#statuses['not visible'] = unseen;
    this.wire.close();
    return { row: visibleRow(found), statuses: this.#statuses };
  }

  #count(status) {
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
  }

  #read(item, pointsOf) {
    return new Promise((resolve) => {
      this.wire.send(item, (status, body) => {
        // Without progress or score so far a player is not found.
        if (status !== 200 && status !== 404) this.#count(`look ${status}`);
        resolve(status === 200 ? pointsOf(JSON.parse(body.toString())) : undefined);
      });
    });
  }
}
