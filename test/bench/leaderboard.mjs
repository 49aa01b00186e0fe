// Reads of leaderboards with very many players, alone and while events are applied; and what applying costs.
// Each size has a database of its own, filled directly: every player is in the day, the week and the season.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { support } from '../support/typescript.mjs';
import { temporaryFolder } from './folders.mjs';
import { signed } from './prepare.mjs';
import { Server } from './server.mjs';

const { BetterSqlite3 } = support('sqlite');
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const kinds = ['daily', 'weekly', 'seasonal'];
const eventsPerSecond = 1000;
const batchSize = 20;
const readers = 2;

const name = (player) => `bench-player-${player}`;
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** Measures boards of growing sizes, in SQLite. */
export async function measureBoards({ quick, seconds = 10 }) {
  const sizes = quick ? [10_000] : [10_000, 100_000, 1_000_000];
  for (const size of sizes) await new Boards(size, temporaryFolder(), seconds).run();
}

class Boards {
  constructor(size, folder, seconds) {
    this.size = size;
    this.folder = folder;
    this.seconds = seconds;
    this.file = join(folder, 'aerie.db');
    this.env = { HTTP_PORT: '0', GRPC_PORT: '0', CHAT_PORT: '0', DATABASE_URL: `sqlite:${this.file}` };
  }

  async run() {
    await this.#fill();
    const server = await Server.start(main, this.env, this.folder);
    this.pool = new Pool(server.url, { connections: 8 });
    try {
      console.log(
        `\n${this.size.toLocaleString('en')} players, ready ${Math.round(server.startedMs)} ms after its start`,
      );
      await this.#untilInMemory(server);
      for (const [what, path] of Object.entries(this.#reads())) this.#print(what, await this.#read(path, this.seconds));
      await this.#underLoad(server);
      console.log(`    memory: ${server.takePeakMb().toFixed(0)} MB at most`);
    } finally {
      await this.pool.destroy();
      await server.stop();
    }
  }

  /** Every player with an event, then as many as are wanted written beside them. */
  async #fill() {
    const server = await Server.start(main, this.env, this.folder);
    this.pool = new Pool(server.url, { connections: 1 });
    await this.#send([this.#event(0)]);
    while ((await this.#board('seasonal')).total === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    await this.pool.destroy();
    await server.stop();
    const database = new BetterSqlite3(this.file);
    const insert = database.prepare('INSERT INTO leaderboard_scores VALUES (?, ?, ?, ?, 1) ON CONFLICT DO NOTHING');
    const windows = database.prepare('SELECT seq, starts_at FROM leaderboard_windows').all();
    database.transaction(() => {
      for (const { seq, starts_at } of windows)
        for (let player = 0; player < this.size; player += 1)
          insert.run(seq, name(player), 1 + Math.floor(Math.random() * 1e6), starts_at + player);
    })();
    database.close();
  }

  /** From the start of the process until all is in memory; meanwhile the database answers. */
  async #untilInMemory(server) {
    const latencies = [];
    const path = this.#reads()['around a player'];
    for (const began = performance.now(); ; ) {
      latencies.push(await this.#once(path()));
      const { body } = await this.pool.request({ path: '/metrics', method: 'GET' });
      const text = await body.text();
      const kept = kinds.map((kind) =>
        Number(new RegExp(`players_in_memory{window="${kind}"} (\\d+)`).exec(text)?.[1]),
      );
      if (kept.every((count) => count >= this.size)) {
        const ms = server.startedMs + performance.now() - began;
        latencies.sort((a, b) => a - b);
        const answers = `around a player: p50 ${at(latencies, 0.5).toFixed(1)}, p99 ${at(latencies, 0.99).toFixed(1)} ms`;
        console.log(`    all boards in memory ${(ms / 1000).toFixed(1)} s after its start; ${answers} meanwhile`);
        return;
      }
    }
  }

  #reads() {
    const random = () => name(Math.floor(Math.random() * this.size));
    return {
      'first page of 100': () => '/leaderboard?window=weekly&limit=100',
      'around a player': () => `/leaderboard/players/${random()}?window=weekly&around=5`,
    };
  }

  async #underLoad(server) {
    const batches = this.#signedBatches((this.seconds * eventsPerSecond) / batchSize);
    const before = await this.#applied();
    const cpu = server.cpuSeconds();
    const sending = this.#sendPaced(batches);
    const found = await this.#read(this.#reads()['around a player'], this.seconds);
    await sending;
    const sent = batches.length * batchSize;
    const used = server.cpuSeconds() - cpu;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const after = await this.#applied();
    this.#print(`around, ${eventsPerSecond} events/s`, found);
    const applied = after.events - before.events;
    const soon = (after.soon - before.soon) / (after.reads - before.reads);
    console.log(`    of these reads the server itself answered ${(soon * 100).toFixed(2)} % within 5 ms`);
    const each = ((after.seconds - before.seconds) / applied) * 1e6;
    console.log(
      `    ${sent} events sent, ${applied} applied in groups of ${Math.round(applied / (after.groups - before.groups))}: ${each.toFixed(0)} us each (three boards); the server used ${((used / this.seconds) * 100).toFixed(0)} % of a core`,
    );
  }

  async #applied() {
    const { body } = await this.pool.request({ path: '/metrics', method: 'GET' });
    const text = await body.text();
    const value = (metric) => Number(new RegExp(`^${metric} (\\S+)`, 'm').exec(text)?.[1] ?? 0);
    return {
      soon: value('leaderboard_read_duration_seconds_bucket\\{le="0.005"\\}'),
      reads: value('leaderboard_read_duration_seconds_count'),
      events: value('leaderboard_lag_seconds_count'),
      seconds: value('leaderboard_apply_duration_seconds_sum'),
      groups: value('leaderboard_apply_duration_seconds_count'),
    };
  }

  async #read(path, seconds) {
    const latencies = [];
    const until = performance.now() + seconds * 1000;
    const reader = async () => {
      while (performance.now() < until) {
        latencies.push(await this.#once(path()));
        // A paced reader: what is measured is the answer, not the queue of a reader that asks as fast as it can.
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    await Promise.all(Array.from({ length: readers }, reader));
    return latencies.sort((a, b) => a - b);
  }

  async #once(path) {
    const began = performance.now();
    const { statusCode, body } = await this.pool.request({ path, method: 'GET' });
    await body.dump();
    if (statusCode !== 200) throw new Error(`${path} was answered ${statusCode}`);
    return performance.now() - began;
  }

  #print(what, latencies) {
    const figures = [0.5, 0.95, 0.99, 1].map((share) => at(latencies, share).toFixed(2)).join(' / ');
    console.log(`    ${what.padEnd(28)} p50 / p95 / p99 / max ms: ${figures} (${latencies.length} reads)`);
  }

  // Signed beforehand: what is measured is the server, and the readers share a thread with the sender.
  #signedBatches(count) {
    const random = () => this.#event(Math.floor(Math.random() * this.size));
    return Array.from({ length: count }, () => this.#signed(Array.from({ length: batchSize }, random)));
  }

  async #sendPaced(batches) {
    let due = performance.now();
    for (const batch of batches) {
      const rest = due - performance.now();
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
      await this.#post(batch);
      due += (1000 * batchSize) / eventsPerSecond;
    }
  }

  #event(player) {
    const payload = { deltaXp: 1 + Math.floor(Math.random() * 999) };
    return { type: 'progression', playerId: name(player), occurredAt: new Date().toISOString(), payload };
  }

  #send(events) {
    return this.#post(this.#signed(events));
  }

  #signed(events) {
    const numbered = events.map((event) => ({ id: crypto.randomUUID(), ...event }));
    const { id, timestamp, signature, body } = signed(crypto.randomUUID(), JSON.stringify({ events: numbered }));
    const headers = {
      'content-type': 'application/json',
      'idempotency-key': id,
      'x-signature': `t=${timestamp},v1=${signature}`,
    };
    return { headers, body };
  }

  async #post({ headers, body }) {
    const answer = await this.pool.request({ method: 'POST', path: '/events/batch', headers, body });
    const { results = [] } = await answer.body.json();
    const refused = results.find(({ status }) => status !== 'accepted');
    if (answer.statusCode !== 200 || refused)
      throw new Error(`A batch was answered ${answer.statusCode} ${JSON.stringify(refused)}`);
  }

  async #board(window) {
    const { body } = await this.pool.request({ path: `/leaderboard?window=${window}`, method: 'GET' });
    return body.json();
  }
}
