// The load generator, a process of its own. It is told what to send; everything is signed before the clock starts.
import { callsWire } from './calls-wire.mjs';
import { streamWire, unaryWire } from './grpc-wire.mjs';
import { httpWire } from './http-wire.mjs';
import { batch, EventSource, players, single } from './prepare.mjs';
import { bySecond, quantiles } from './statistics.mjs';
import { Visibility } from './visible.mjs';

const calls = { 'grpc-unary': callsWire, 'grpc-grouped': callsWire, http: callsWire };
const wires = {
  single: httpWire,
  batch: httpWire,
  read: httpWire,
  post: httpWire,
  unary: unaryWire,
  stream: streamWire,
  ...calls,
};

/** So long after the end of a scenario answers are still waited for; what has none by then is counted as unanswered. */
const patienceMs = 30_000;
/** Beyond so many unanswered requests a paced run sends no more: the server is far too slow. */
const maxUnanswered = 20_000;

/** By run: who makes its events, and the points of those that were accepted, by player. */
const runs = new Map();

const orders = {
  prepare,
  expected: ({ run }) => process.send({ type: 'expected', points: Array.from(runs.get(run)?.expected ?? []) }),
  end: () => process.exit(0),
};

process.on('message', (order) => void orders[order.type]?.(order));
process.once('disconnect', () => process.exit(1));

async function prepare({ run, target, scenario }) {
  if (!runs.has(run)) runs.set(run, { source: new EventSource(run), expected: new Float64Array(players) });
  const { source, expected } = runs.get(run);
  const { connections, wire: kind, calls: made } = scenario;
  const wire = wires[kind](target, { connections, kind, calls: made });
  const items = itemsOf(scenario, source).map(wire.encode);
  globalThis.gc?.();
  process.send({ type: 'prepared' });
  await new Promise((resolve) => process.once('message', resolve));
  const visibility = scenario.visible && Visibility.at(target, run, scenario.visible);
  const result = await new Load(wire, items, scenario, { expected, visibility }).run();
  const seen = await visibility?.result();
  wire.close();
  process.send({ type: 'result', ...result, ...seen?.row, statuses: { ...result.statuses, ...seen?.statuses } });
}

/** Reads are sent again and again; each event and each post only once. */
function itemsOf({ size, mix, requests, reads, posts }, source) {
  if (reads || posts) return reads ?? posts;
  source.now = Date.now();
  return Array.from({ length: requests }, () => (size === 1 ? single(source, mix) : batch(source, size, mix)));
}

class Load {
  #latencies = [];
  /** Milliseconds from the start at which a request was due, in the order of `#latencies`. */
  #dues = [];
  /** Of a paced run: how long after its moment each request left, which is the generator's fault. */
  #lateness = [];
  #statuses = new Map();
  #next = 0;
  #open = 0;
  #inTime = 0;
  #succeeded = 0;
  #accepted = 0;
  #finished = () => {};

  /** `expected`: where points of what is accepted are added up; `visibility`, if there is one, hears of each event. */
  constructor(wire, items, scenario, { expected, visibility }) {
    this.wire = wire;
    this.items = items;
    this.scenario = scenario;
    this.expected = expected;
    this.visibility = visibility;
  }

  async run() {
    const cpu = process.cpuUsage();
    this.began = performance.now();
    this.ends = this.began + this.scenario.seconds * 1000;
    if (this.scenario.rate) await this.#paced();
    else await this.#fullSpeed();
    const seconds = (Math.min(performance.now(), this.ends) - this.began) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return this.#result(seconds, (user + system) / 1e6 / seconds);
  }

  #result(seconds, generatorCpu) {
    if (this.#open > 0) this.#statuses.set('unanswered', this.#open);
    const { p50, p95, p99, max } = quantiles(this.#latencies);
    return {
      seconds,
      requests: this.#inTime,
      events: this.#inTime * this.scenario.size,
      // Also those that were answered when the time was over: what the server has worked for.
      worked: this.#succeeded * this.scenario.size,
      accepted: this.#accepted,
      generatorCpu,
      statuses: Object.fromEntries(this.#statuses),
      p50,
      p95,
      p99,
      max,
      ...(this.scenario.rate && {
        lateP99: quantiles(this.#lateness).p99,
        bySecond: bySecond(this.#dues, this.#latencies),
      }),
    };
  }

  #fullSpeed() {
    return new Promise((resolve) => {
      const late = setTimeout(resolve, this.scenario.seconds * 1000 + patienceMs);
      this.#finished = () => {
        clearTimeout(late);
        resolve();
      };
      for (let started = 0; started < this.wire.concurrency; started += 1) this.#again();
    });
  }

  #again() {
    if (this.#hasNext() && performance.now() < this.ends) this.#send(performance.now(), () => this.#again());
    else if (this.#open === 0) this.#finished();
  }

  #hasNext() {
    return this.scenario.reads !== undefined || this.#next < this.items.length;
  }

  /** Each request has its moment, and its latency counts from then, however late it left. */
  async #paced() {
    const spacing = 1000 / this.scenario.rate;
    for (let sent = 0, due = this.began; due < this.ends && this.#hasNext(); ) {
      const now = performance.now();
      while (due <= now && due < this.ends && this.#hasNext() && this.#open < maxUnanswered) {
        this.#lateness.push(performance.now() - due);
        this.#send(due, () => {});
        sent += 1;
        due = this.began + sent * spacing;
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for (const give = performance.now() + patienceMs; this.#open > 0 && performance.now() < give; ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #nextItem() {
    const index = this.#next % this.items.length;
    const item = this.items[index];
    // What is sent once need not be kept.
    if (this.scenario.reads === undefined) this.items[index] = undefined;
    this.#next += 1;
    return item;
  }

  #send(from, then) {
    const item = this.#nextItem();
    this.#open += 1;
    this.wire.send(item, (ok, status) => {
      const now = performance.now();
      this.#open -= 1;
      this.#dues.push(from - this.began);
      this.#latencies.push(now - from);
      this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
      if (ok) this.#count(item, now);
      then();
    });
  }

  #count({ players: who, points }, now) {
    this.#succeeded += 1;
    if (now <= this.ends) this.#inTime += 1;
    if (this.scenario.kept === false || who === undefined) return;
    this.#accepted += who.length;
    for (let index = 0; index < who.length; index += 1) {
      const player = who[index];
      this.expected[player] += points[index];
      this.visibility?.accepted(player, this.expected[player], now);
    }
  }
}
