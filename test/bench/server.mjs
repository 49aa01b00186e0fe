// A server under measurement: started as a process of its own, watched through /proc and its own metrics.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { parseMetrics } from './metrics.mjs';

const ticksPerSecond = 100; // USER_HZ, the same on every Linux
const pageBytes = 4096;
const startMs = 60_000;
const patienceMs = 600_000;
const healthyMs = 60_000;

// One listener for all of them: a split system alone would be half of what Node takes for a leak.
const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * What has consumers of events: a process, or several that are one system, at `urls` by their names. `metrics()` answers what
 * /metrics tells.
 */
export class Consuming {
  /** The processes of the servers that it has for itself. */
  backingPids = [];

  /** Events applied so far by all consumers, and how many took at most how long from accepted to applied. */
  async applied() {
    return parseMetrics(await this.metrics());
  }

  /** Waits until `count` events in all are applied; how long that took, in seconds. */
  async untilApplied(count) {
    const began = performance.now();
    for (;;) {
      const { total } = await this.applied();
      const seconds = (performance.now() - began) / 1000;
      if (total >= count) return seconds;
      if (seconds * 1000 > patienceMs)
        throw new Error(`Only ${total} of ${count} events were applied in ${patienceMs} ms`);
      await sleep(100);
    }
  }

  /** Resolves when nothing that it knows of is degraded. */
  async healthy() {
    const until = performance.now() + healthyMs;
    for (let sick = await this.#sick(); sick.length > 0; sick = await this.#sick()) {
      if (performance.now() > until) throw new Error(`Not healthy after ${healthyMs} ms: ${sick.join('; ')}`);
      await sleep(100);
    }
  }

  async #sick() {
    const all = await Promise.all([...this.urls].map(([name, url]) => sickOf(name, url)));
    return all.flat();
  }
}

async function sickOf(name, url) {
  const { body } = await request(`${url}/health/ready`);
  const { checks } = await body.json();
  return Object.entries(checks)
    .filter(([, { status }]) => status !== 'healthy')
    .map(([check, { status, reason }]) => `${name}: ${check} is ${status}, ${reason}`);
}

export class Server extends Consuming {
  #peak = 0;

  /** Resolves when the process says that it is ready. `startedMs`: from its spawning until then. */
  static async start(script, env, cwd, nodeOptions = []) {
    const began = performance.now();
    const child = spawn(process.execPath, [...nodeOptions, script], {
      cwd,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    const ready = await readyLine(child);
    return new Server(child, ready, performance.now() - began);
  }

  constructor(child, ready, startedMs) {
    super();
    this.child = child;
    this.startedMs = startedMs;
    this.url = `http://127.0.0.1:${ready.port}`;
    this.urls = new Map([['process', this.url]]);
    this.chatPort = ready.chat_port;
    this.grpcAddress = `127.0.0.1:${ready.grpc_port}`;
    this.sampler = setInterval(() => this.#sample(), 50).unref();
    this.exit = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  }

  /** CPU seconds that the process has used, all its threads together. */
  cpuSeconds() {
    return cpuSeconds(this.child.pid);
  }

  /** The most memory since the last call, in MB. */
  takePeakMb() {
    this.#sample();
    const peak = this.#peak;
    this.#peak = 0;
    return peak / 1e6;
  }

  /** The memory of this moment, in MB. */
  memoryMb() {
    return (Number(readFileSync(`/proc/${this.child.pid}/statm`, 'utf8').split(' ')[1]) * pageBytes) / 1e6;
  }

  #sample() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.#peak = Math.max(this.#peak, this.memoryMb() * 1e6);
  }

  /** What /metrics tells. */
  async metrics() {
    const { body } = await request(`${this.url}/metrics`);
    return body.text();
  }

  /** Stands still and uses nothing, so that it is in nobody's way. */
  rest() {
    this.child.kill('SIGSTOP');
  }

  wake() {
    this.child.kill('SIGCONT');
  }

  /** SIGTERM; resolves with the exit code and the milliseconds it took. */
  async stop() {
    this.wake();
    clearInterval(this.sampler);
    const began = performance.now();
    this.child.kill('SIGTERM');
    return { code: await this.exit, ms: performance.now() - began };
  }
}

function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) / ticksPerSecond;
}

function readyLine(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    const late = setTimeout(() => reject(new Error(`Not ready after ${startMs} ms:\n${text}`)), startMs);
    child.once('exit', (code) => {
      clearTimeout(late);
      reject(new Error(`The server ended with ${code}:\n${text}`));
    });
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text = (text + chunk).slice(-65_536);
      const line = /^\{.*"message":"app_ready".*\}$/m.exec(text);
      if (!line) return;
      clearTimeout(late);
      resolve(JSON.parse(line[0]));
    });
  });
}
