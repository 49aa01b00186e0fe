// The load generator of chat, a process of its own: crowds of clients, each in the one room of its server. It is told what
// they do, and ends with whoever started it.
import { setTimeout as sleep } from 'node:timers/promises';
import { chatClient } from './chat-wires.mjs';
import { quantiles } from './statistics.mjs';

/** So many clients enter at the same time: each tells all others. */
const entering = 50;
/** Lines under way when they are said as fast as they are heard. The server keeps 64 for each client: none is dropped. */
const inFlight = 48;
/** Of so many readers one looks at the stamps. */
const witnessEvery = 20;
const textLength = 48;
const quietMs = 500;
const lostMs = 3000;
const lookMs = 5;
const patienceMs = 5000;
const whisperText = '\u5F81'.repeat(512);
/** The server lets a client say ten things a second. */
const perSender = 10;
const restMs = 1100 / perSender;

const crowds = new Map();
const orders = {
  enter: async ({ crowd, target, wire, count }) => {
    crowds.set(crowd, new Crowd(target, wire));
    await crowds.get(crowd).enter(count);
  },
  stall: ({ crowd, count }) => crowds.get(crowd).stall(count),
  fill: ({ crowd }) => crowds.get(crowd).fill(),
  run: ({ crowd, seconds, rate }) => crowds.get(crowd).run(seconds, rate),
  unstall: ({ crowd }) => crowds.get(crowd).unstall(),
  leave: ({ crowd }) => {
    crowds.get(crowd).leave();
    crowds.delete(crowd);
  },
  end: () => process.exit(0),
};

process.on('message', async ({ type, ...order }) => {
  try {
    process.send({ type: 'done', result: await orders[type](order) });
  } catch (error) {
    process.send({ type: 'failed', message: error.stack });
  }
});
process.once('disconnect', () => process.exit(1));

class Crowd {
  clients = [];
  #stalled = [];
  #names = 0;

  constructor(target, wire) {
    this.target = target;
    this.wire = wire;
  }

  async enter(count) {
    let left = count;
    const one = async () => {
      while (left > 0) {
        left -= 1;
        this.clients.push(await this.#enterOne('u'));
      }
    };
    await Promise.all(Array.from({ length: Math.min(entering, count) }, one));
    for (const [i, client] of this.clients.entries()) client.witness = i % witnessEvery === 0;
    await this.#silence();
  }

  /** So many more, who read nothing from now on. */
  async stall(count) {
    for (let i = 0; i < count; i += 1) {
      const client = await this.#enterOne('s');
      client.stall();
      this.#stalled.push(client);
    }
    await this.#silence();
  }

  /** A second of whispers to those who do not read, until the kernel takes no more for them. */
  async fill() {
    for (let i = 0; i < perSender; i += 1) {
      for (const [at, client] of this.clients.entries())
        client.whisper(this.#stalled[(at + i) % this.#stalled.length].name, whisperText);
      await sleep(restMs);
    }
  }

  async unstall() {
    for (const client of this.#stalled.splice(0)) client.close();
    await this.#silence();
  }

  leave() {
    for (const client of [...this.clients, ...this.#stalled]) client.close();
  }

  run(seconds, rate) {
    return new Talk(this.clients).run(seconds, rate);
  }

  async #enterOne(letter) {
    this.#names += 1;
    const client = chatClient(this.wire, this.target);
    client.name = `${letter}${this.#names}`;
    await client.enter(client.name);
    return client;
  }

  /** Until nobody has heard anything for a while: who came and went is told to all. */
  async #silence() {
    let last = performance.now();
    for (const client of this.clients) {
      client.heard = () => {
        last = performance.now();
      };
    }
    while (performance.now() - last < quietMs) await sleep(50);
  }
}

/** All clients say something in turn; what they all hear is counted. */
class Talk {
  #latencies = [];
  #lateness = [];
  #heard = 0;
  #said = 0;
  #open = 0;
  #lastHeard = 0;
  #lastSaid = 0;
  /** Whether what is heard is followed by the next. */
  #goesOn = false;

  constructor(clients) {
    this.clients = clients;
    this.began = performance.now();
    for (const [i, client] of clients.entries()) client.heard = (count, stamps) => this.#hear(count, stamps, i === 0);
  }

  /** `rate`: deliveries a second; without it as fast as they are heard. */
  async run(seconds, rate) {
    const before = process.cpuUsage();
    if (rate === undefined) await this.#unpaced(seconds);
    else await this.#paced(seconds, rate / this.clients.length);
    const expected = this.#said * this.clients.length;
    const until = performance.now() + patienceMs;
    while (this.#heard < expected && performance.now() < until) await sleep(20);
    const wall = (this.#lastHeard - this.began) / 1000;
    const { user, system } = process.cpuUsage(before);
    const { p50, p95, p99, max } = quantiles(this.#latencies);
    return {
      ...{ lines: this.#said, events: this.#heard, rate: this.#heard / wall, seconds: wall, p50, p95, p99, max },
      missed: expected - this.#heard,
      lateP99: quantiles(this.#lateness).p99,
      generatorCpu: (user + system) / 1e6 / wall,
      gone: this.clients.filter(({ closed }) => closed).length,
    };
  }

  async #unpaced(seconds) {
    this.#goesOn = true;
    this.#sayMore();
    const ends = this.began + seconds * 1000;
    while (performance.now() < ends) {
      await sleep(Math.min(lookMs, ends - performance.now()));
      // What was lost on the way would never be said again.
      if (performance.now() - Math.max(this.#lastHeard, this.#lastSaid) > lostMs) this.#open = 0;
      this.#sayMore();
    }
    this.#goesOn = false;
  }

  async #paced(seconds, lines) {
    const all = Math.round(seconds * lines);
    for (let i = 0; i < all; i += 1) {
      const due = this.began + (i * 1000) / lines;
      const rest = due - performance.now();
      if (rest > 1) await sleep(rest);
      this.#lateness.push(performance.now() - due);
      this.#say();
    }
  }

  /** As much as may be under way, and as its senders may say. */
  #sayMore() {
    while (this.#goesOn && this.#open < inFlight && performance.now() - this.#next.saidAt >= restMs) this.#say();
  }

  get #next() {
    return this.clients[this.#said % this.clients.length];
  }

  #say() {
    const client = this.#next;
    client.saidAt = performance.now();
    this.#lastSaid = client.saidAt;
    this.#said += 1;
    this.#open += 1;
    client.say(`@${Math.round((performance.now() - this.began) * 1000)};`.padEnd(textLength, 'x'));
  }

  #hear(count, stamps, leads) {
    this.#heard += count;
    this.#lastHeard = performance.now();
    if (stamps === undefined) return;
    const now = this.#lastHeard - this.began;
    for (const stamp of stamps) this.#latencies.push(now - stamp / 1000);
    if (!leads) return;
    this.#open -= stamps.length;
    this.#sayMore();
  }
}
