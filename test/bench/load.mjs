// The load generator, a process of its own. It is told what to send; everything is signed before the clock starts.
import { batch, EventSource, players, single } from './prepare.mjs';
import { grpcWire, httpWire, streamWire } from './wires.mjs';

const wires = {
  single: (target) => httpWire(target, '/events'),
  batch: (target) => httpWire(target, '/events/batch'),
  unary: grpcWire,
  stream: streamWire,
};

const drainMs = 15_000;
/** Beyond so many unanswered requests a paced run sends no more: the server is far too slow. */
const maxUnanswered = 20_000;

/** Points of accepted events, by player, over the whole life of this process. */
const expected = new Float64Array(players);
let source;

process.on('message', (order) => {
  if (order.type === 'prepare') void prepare(order);
  else if (order.type === 'expected') process.send({ type: 'expected', points: Array.from(expected) });
  else if (order.type === 'end') process.exit(0);
});

async function prepare({ run, target, scenario }) {
  source ??= new EventSource(run);
  const wire = wires[scenario.wire](target);
  const items = [];
  for (let count = 0; count < scenario.requests; count += 1) {
    const item = scenario.size === 1 ? single(source) : batch(source, scenario.size);
    items.push(wire.encode?.(item) ?? item);
  }
  globalThis.gc?.();
  process.send({ type: 'prepared' });
  await new Promise((resolve) => process.once('message', resolve));
  const result = await new Load(wire, items, scenario).run();
  wire.close();
  process.send({ type: 'result', ...result });
}

class Load {
  #latencies = [];
  #statuses = new Map();
  #next = 0;
  #open = 0;
  #inTime = 0;
  #accepted = 0;
  #finished = () => {};

  constructor(wire, items, scenario) {
    this.wire = wire;
    this.items = items;
    this.scenario = scenario;
  }

  async run() {
    const cpu = process.cpuUsage();
    this.began = performance.now();
    this.ends = this.began + this.scenario.seconds * 1000;
    if (this.scenario.rate) await this.#paced();
    else await this.#fullSpeed();
    const seconds = (Math.min(performance.now(), this.ends) - this.began) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return {
      seconds,
      requests: this.#inTime,
      events: this.#inTime * this.scenario.size,
      accepted: this.#accepted,
      generatorCpu: (user + system) / 1e6 / seconds,
      statuses: Object.fromEntries(this.#statuses),
      ...quantiles(this.#latencies),
    };
  }

  #fullSpeed() {
    return new Promise((resolve) => {
      this.#finished = resolve;
      for (let started = 0; started < this.wire.concurrency; started += 1) this.#again();
    });
  }

  #again() {
    if (this.#next < this.items.length && performance.now() < this.ends)
      this.#send(performance.now(), () => this.#again());
    else if (this.#open === 0) this.#finished();
  }

  /** Each request has its moment, and its latency counts from then, however late it left. */
  async #paced() {
    const spacing = 1000 / this.scenario.rate;
    let due = this.began;
    while (due < this.ends && this.#next < this.items.length) {
      const now = performance.now();
      while (due <= now && due < this.ends && this.#next < this.items.length && this.#open < maxUnanswered) {
        this.#send(due, () => {});
        due += spacing;
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for (const give = performance.now() + drainMs; this.#open > 0 && performance.now() < give; ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #send(from, then) {
    const item = this.items[this.#next];
    this.items[this.#next] = undefined;
    this.#next += 1;
    this.#open += 1;
    this.wire.send(item, (ok, status) => {
      const now = performance.now();
      this.#open -= 1;
      this.#latencies.push(now - from);
      this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
      if (ok) this.#take(item, now);
      then();
    });
  }

  #take({ players: who, points }, now) {
    if (now <= this.ends) this.#inTime += 1;
    if (this.scenario.kept === false) return;
    this.#accepted += who.length;
    for (let index = 0; index < who.length; index += 1) expected[who[index]] += points[index];
  }
}

function quantiles(latencies) {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
