// Chat: how much one process delivers, how fast, and what a client costs, beside a bare server that hands lines on.
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { contest } from './contest.mjs';
import { temporaryFolder } from './folders.mjs';
import { Server } from './server.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const settleMs = 1500;
/** Beside clients a process has files, pipes and listeners open. */
const spareFiles = 200;
const fillMs = 60_000;
const warmClients = 50;
export const pacedRate = 100_000;
// The kernel has no more ports on the loopback than about 28,000; the limits of the server are not what is measured.
const environment = {
  CONNECTIONS_MAX: '20000',
  CONNECTIONS_PER_ADDRESS_MAX: '20000',
};

const crowds = [
  { wire: 'tcp', clients: 1000, stalled: 5, paced: true },
  { wire: 'tcp', clients: 5000, stalled: 5 },
  { wire: 'websocket', clients: 1000, stalled: 5, paced: true },
];
// So few senders fill the queue of one.
const small = [
  { wire: 'tcp', clients: 100, stalled: 1, paced: true },
  { wire: 'websocket', clients: 100, stalled: 1, paced: true },
];

/** What a crowd is called in titles and targets. */
export const crowdName = ({ wire, clients }) =>
  `chat, ${clients.toLocaleString('en')} ${wire === 'tcp' ? 'TCP' : 'WebSocket'} clients`;

export const pacedTitle = (rate) => `paced ${rate.toLocaleString('en')} deliveries/s`;

/** One result for each crowd and what it does. */
export async function measureChat(bench) {
  const load = new ChatLoad();
  const found = [];
  try {
    for (const crowd of bench.options.quick ? small : crowds) {
      const files = openFiles();
      if (files < 2 * crowd.clients + spareFiles)
        found.push({
          title: crowdName(crowd),
          medians: [],
          ratios: [],
          rounds: {},
          notes: [`left out: ulimit -n is ${files}`],
        });
      else found.push(...(await measureCrowd(bench, load, crowd)));
    }
  } finally {
    load.end();
  }
  return found;
}

async function measureCrowd(bench, load, crowd) {
  const { stalled } = crowd;
  const rooms = bench.builds.map((build) => {
    const subject = bench.another(build, { environment });
    return new Room(
      subject.name,
      load,
      crowd,
      () => subject.server(),
      () => subject.stop(),
    );
  });
  if (crowd.wire === 'tcp') rooms.push(bareRoom(load, crowd));
  for (const room of rooms) await room.open();
  const of = (title, options, compare = ['rate', 'perCpuSecond', 'p99']) =>
    talk(bench, rooms, { title: `${crowdName(crowd)}, ${title}`, options, compare });
  const found = [
    await of('as fast as they hear', {}),
    await of(`as fast as they hear, ${stalled} more read nothing`, { stalled }),
  ];
  const rate = bench.options.quick ? pacedRate / 100 : pacedRate;
  if (crowd.paced) found.push(await of(pacedTitle(rate), { rate }, ['p50', 'p99', 'perCpuSecond']));
  for (const room of rooms) await room.close();
  return found;
}

/** The same talk in each room, in turn. */
async function talk(bench, rooms, { title, options, compare }) {
  const seconds = bench.options.seconds ?? 5;
  const contestants = rooms.map((room) => ({
    name: room.name,
    run: () => room.talk({ ...options, seconds }),
    warmUp: () => room.talk({ ...options, seconds: 1, stalled: 0 }),
  }));
  const [ours, ...others] = rooms.map(({ name }) => name);
  const pairs = others.map((other) => [ours, other]);
  const { rounds } = bench.options;
  const found = await contest({ contestants, pairs, compare, rounds, warm: ({ warmUp }) => warmUp() });
  const lost = found.medians.filter(({ gone }) => gone > 0).map(({ name, gone }) => `${name}: ${gone} were closed`);
  return { title, ...found, notes: lost };
}

function bareRoom(load, crowd) {
  let server;
  const start = async () => {
    server ??= await Server.start(path('bare-chat.mjs'), {}, temporaryFolder(), ['--max-semi-space-size=4']);
    return server;
  };
  return new Room('bare net', load, crowd, start, () => server.stop());
}

/** A server and the crowd in its lobby. */
class Room {
  kbEach = 0;

  constructor(name, load, crowd, start, stop) {
    this.name = name;
    this.load = load;
    this.crowd = crowd;
    this.start = start;
    this.stop = stop;
    this.id = `${name}, ${crowdName(crowd)}`;
  }

  async open() {
    const { wire, clients } = this.crowd;
    this.server = await this.start();
    const { url, chatPort } = this.server;
    const target = { chatPort, httpPort: Number(new URL(url).port) };
    // What the first clients make the server load and compile is not a cost of each.
    await this.load.ask('enter', { crowd: this.id, target, wire, count: warmClients });
    await this.load.ask('leave', { crowd: this.id });
    await sleep(settleMs);
    const before = this.server.memoryMb();
    await this.load.ask('enter', { crowd: this.id, target, wire, count: clients });
    await sleep(settleMs);
    this.kbEach = ((this.server.memoryMb() - before) * 1000) / clients;
  }

  async close() {
    await this.load.ask('leave', { crowd: this.id });
    await this.stop();
  }

  async talk({ seconds, rate, stalled = 0 }) {
    if (stalled > 0) await this.#stall(stalled);
    this.server.takePeakMb();
    const cpu = this.server.cpuSeconds();
    const began = performance.now();
    const row = await this.load.ask('run', { crowd: this.id, seconds, rate });
    const used = this.server.cpuSeconds() - cpu;
    const peakMb = this.server.takePeakMb();
    if (stalled > 0) await this.load.ask('unstall', { crowd: this.id });
    return {
      ...row,
      cpu: used / ((performance.now() - began) / 1000),
      perCpuSecond: row.events / used,
      cpuUs: (used * 1e6) / row.events,
      peakMb,
      kbEach: this.kbEach,
      clients: this.crowd.clients,
    };
  }

  /** Aerie's are measured while their queues are full; the bare server has none, and keeps all it has for them in memory. */
  async #stall(count) {
    await this.load.ask('stall', { crowd: this.id, count });
    if (this.name === 'bare net') return;
    const drops = await this.#drops();
    for (const until = performance.now() + fillMs; (await this.#drops()) < drops + 20 * count; ) {
      if (performance.now() > until) throw new Error('The queues of clients that read nothing did not fill');
      await this.load.ask('fill', { crowd: this.id });
    }
  }

  async #drops() {
    const text = await this.server.metrics();
    return Number(/^chat_messages_dropped_total\{reason="slow_reader"\} (\d+)/m.exec(text)?.[1] ?? 0);
  }
}

/** The parent's side of the load generator. */
class ChatLoad {
  constructor() {
    this.child = fork(path('chat-load.mjs'), [], { execArgv: ['--max-semi-space-size=64'] });
  }

  ask(type, order) {
    return new Promise((resolve, reject) => {
      const ended = (code) => reject(new Error(`The load generator ended with ${code}`));
      this.child.once('exit', ended);
      this.child.once('message', ({ type: answer, result, message }) => {
        this.child.off('exit', ended);
        if (answer === 'failed') reject(new Error(message));
        else resolve(result);
      });
      this.child.send({ type, ...order });
    });
  }

  end() {
    this.child.disconnect();
  }
}

/** How many files a process may have open: each client is one, on both sides. */
function openFiles() {
  const [, soft = ''] = /^Max open files +(\w+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
