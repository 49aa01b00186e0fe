// npm run bench: bounded load on the built application from a second process, all on this machine.
//   events | leaderboards   only this part
//   --quick            a few seconds in all: shows that it works, not how fast
//   --database <url>   instead of SQLite in a temporary folder
//   --profile <folder> writes a CPU profile of the application into it, for Chrome's developer tools
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Pool, request } from 'undici';
import { leaderboards } from './leaderboard.mjs';
import { playerName, players } from './prepare.mjs';
import { machine, printRow, printTargets, rowHeading } from './report.mjs';
import { lagQuantile, Server } from './server.mjs';

const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, database: { type: 'string' }, profile: { type: 'string' } },
});
const run = `bench${Date.now().toString(36)}`;
const folder = mkdtempSync(join(tmpdir(), 'aerie-bench-'));
const seconds = (full) => (options.quick ? 2 : full);
const rounds = options.quick ? 1 : 3;

// Requests to have ready: more than any server here answers in the time, except for the paced ones.
const scenarios = {
  paced500: {
    name: 'single HTTP, paced 500/s',
    wire: 'single',
    size: 1,
    rate: 500,
    seconds: seconds(10),
    requests: 500 * seconds(10),
  },
  paced5000: {
    name: 'single HTTP, paced 5,000/s',
    wire: 'single',
    size: 1,
    rate: 5000,
    seconds: seconds(10),
    requests: 5000 * seconds(10),
  },
  single: { name: 'single HTTP', wire: 'single', size: 1, seconds: seconds(5), requests: 30_000 * seconds(5) },
  batch: { name: 'batch HTTP, 500 each', wire: 'batch', size: 500, seconds: seconds(10), requests: 220 * seconds(10) },
  unary: { name: 'gRPC unary', wire: 'unary', size: 1, seconds: seconds(5), requests: 15_000 * seconds(5) },
  stream: {
    name: 'gRPC stream, 100 each',
    wire: 'stream',
    size: 100,
    seconds: seconds(10),
    requests: 1100 * seconds(10),
  },
};

class Bench {
  #accepted = 0;
  rows = {};

  constructor(aerie, bare) {
    this.aerie = aerie;
    this.bare = bare;
    this.load = fork(file('load.mjs'), [], { execArgv: ['--expose-gc', '--max-old-space-size=6144'] });
    this.base = 0;
  }

  /** Runs one scenario on Aerie and waits until what was accepted is applied. */
  async measure(scenario) {
    const before = await this.aerie.applied();
    const row = await this.#under(this.aerie, scenario);
    this.#accepted += row.accepted;
    const meanwhile = await this.aerie.applied();
    const behind = await this.aerie.untilApplied(this.#accepted);
    const after = await this.aerie.applied();
    const wall = row.wall + behind;
    return {
      ...row,
      name: scenario.name,
      lagP99: lagQuantile(before, after, 0.99),
      behind,
      appliedMeanwhile: (meanwhile.total - before.total) / row.wall,
      appliedAfter: behind > 0.5 ? (after.total - meanwhile.total) / behind : undefined,
      applyRate: (after.total - before.total) / wall,
    };
  }

  /** The same load on the bare handler, which keeps nothing. */
  async compare(scenario) {
    return { ...(await this.#under(this.bare, { ...scenario, kept: false })), name: 'bare Fastify, same HMAC' };
  }

  async #under(server, scenario) {
    const { url, grpcAddress } = server;
    await this.#ask({ type: 'prepare', run, target: { url, grpcAddress }, scenario }, 'prepared');
    server.takePeakMb();
    const cpu = server.cpuSeconds();
    const began = performance.now();
    const result = await this.#ask({ type: 'go' }, 'result');
    const wall = (performance.now() - began) / 1000;
    const used = server.cpuSeconds() - cpu;
    return { ...result, wall, cpu: used / wall, perCpuSecond: result.events / used, peakMb: server.takePeakMb() };
  }

  #ask(message, answer) {
    return new Promise((resolve, reject) => {
      const ended = (code) => reject(new Error(`The load generator ended with ${code}`));
      const listen = (reply) => {
        if (reply.type !== answer) return;
        this.load.off('message', listen).off('exit', ended);
        resolve(reply);
      };
      this.load.on('message', listen).once('exit', ended);
      this.load.send(message);
    });
  }

  async expected() {
    return (await this.#ask({ type: 'expected' }, 'expected')).points;
  }

  end() {
    this.load.send({ type: 'end' });
  }
}

/** Starts the application three times; the last one stays. */
async function coldStarts() {
  const env = {
    HTTP_PORT: '0',
    GRPC_PORT: '0',
    LOG_LEVEL: 'info',
    DATABASE_URL: options.database ?? `sqlite:${join(folder, 'aerie.db')}`,
  };
  const nodeOptions = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${resolve(options.profile)}`] : [];
  const times = [];
  for (let start = 1; ; start += 1) {
    const server = await Server.start(file('../../dist/main.js'), env, folder, nodeOptions);
    times.push(server.startedMs);
    if (start === rounds) return { server, times };
    await server.stop();
  }
}

async function alternate(bench) {
  await bench.compare({ ...scenarios.single, seconds: 2, requests: 40_000 });
  await bench.measure({ ...scenarios.single, seconds: 2, requests: 40_000 });
  const ratios = [];
  for (let round = 1; round <= rounds; round += 1) {
    const bare = await bench.compare(scenarios.single);
    const aerie = await bench.measure(scenarios.single);
    printRow(bare);
    printRow(aerie);
    bench.rows.single = aerie;
    const ratio = {
      throughput: aerie.events / aerie.seconds / (bare.events / bare.seconds),
      cpu: aerie.perCpuSecond / bare.perCpuSecond,
    };
    ratios.push(ratio);
    console.log(
      `    round ${round}: ${ratio.throughput.toFixed(2)} of bare in throughput, ${ratio.cpu.toFixed(2)} per server-CPU-second`,
    );
  }
  const median = (key) => ratios.map((ratio) => ratio[key]).sort((a, b) => a - b)[Math.floor(ratios.length / 2)];
  return { throughput: median('throughput'), cpu: median('cpu') };
}

/** The same load with the rules of fairness on and off, in turn; half a percent more or less is noise. */
async function fairness(bench) {
  const set = async (mode) => {
    for (const rule of ['flood', 'jump', 'outlier']) {
      const headers = { 'content-type': 'application/json' };
      const change = { method: 'PATCH', headers, body: JSON.stringify({ mode }) };
      const { statusCode, body } = await request(`${bench.aerie.url}/fairness/rules/${rule}`, change);
      await body.dump();
      if (statusCode !== 200) throw new Error(`The rule ${rule} cannot be changed: ${statusCode}`);
    }
  };
  const each = { off: [], enforce: [] };
  for (let round = 1; round <= rounds; round += 1) {
    for (const mode of ['off', 'enforce']) {
      await set(mode);
      const row = await bench.measure(scenarios.single);
      each[mode].push(1e6 / row.perCpuSecond);
    }
  }
  const middle = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
  const [without, on] = [middle(each.off), middle(each.enforce)];
  console.log(
    `    CPU of a single event: ${on.toFixed(0)} us with the rules of fairness on, ${without.toFixed(0)} us with them off`,
  );
}

/** Every player's XP as the application tells it, against the points of what it accepted. */
async function lost(bench) {
  const expected = await bench.expected();
  const pool = new Pool(bench.aerie.url, { connections: 32 });
  const touched = [...expected.keys()].filter((player) => expected[player] > 0);
  const sums = { players: touched.length, expected: 0, found: 0, differing: 0 };
  const next = touched[Symbol.iterator]();
  const reader = async () => {
    for (const player of next) {
      const { body } = await pool.request({ path: `/players/${playerName(run, player)}/progress`, method: 'GET' });
      const { xp = 0 } = await body.json();
      sums.expected += expected[player];
      sums.found += xp;
      if (xp !== expected[player]) sums.differing += 1;
    }
  };
  await Promise.all(Array.from({ length: 32 }, reader));
  await pool.destroy();
  return sums;
}

/** What may be printed of a database's URL, which can hold a password. */
function kindOf(url = 'sqlite:') {
  return url.slice(0, url.indexOf(':'));
}

async function main() {
  console.log(machine(kindOf(options.database), players));
  const { server, times } = await coldStarts();
  const bare = await Server.start(file('bare.mjs'), {}, folder);
  const bench = new Bench(server, bare);
  console.log(`cold start: ${times.map((ms) => `${Math.round(ms)} ms`).join(', ')}\n\n${rowHeading()}`);
  const measure = async (name) => {
    bench.rows[name] = await bench.measure(scenarios[name]);
    printRow(bench.rows[name]);
  };
  await measure('paced500');
  const ratio = await alternate(bench);
  await fairness(bench);
  for (const name of ['batch', 'unary', 'stream', 'paced5000']) await measure(name);
  const sums = await lost(bench);
  bench.end();
  await bare.stop();
  const stopped = await server.stop();
  const whole = printTargets({
    rows: bench.rows,
    ratio,
    sums,
    stopped,
    coldStartMs: times.sort((a, b) => a - b)[Math.floor(times.length / 2)],
  });
  return whole ? 0 : 1;
}

const wanted = (part) => positionals.length === 0 || positionals.includes(part);

try {
  if (wanted('events')) process.exitCode = await main();
  if (wanted('leaderboards'))
    await leaderboards(options.quick ? [10_000] : [10_000, 100_000, 1_000_000], options.quick ? 2 : 10);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
