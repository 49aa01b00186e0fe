// The parent's side of the load generator: one process, told what to send to whom.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { serverCpuEach, serverCpuSeconds } from './machine.mjs';

const script = fileURLToPath(new URL('load.mjs', import.meta.url));
// Where the packages of a build are that was copied away from its own: calls are made with its clients.
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));

export class Generator {
  #busy = false;

  constructor() {
    this.child = fork(script, [], {
      execArgv: ['--expose-gc', '--max-old-space-size=6144'],
      env: { ...process.env, NODE_PATH: modules },
    });
  }

  /**
   * Sends what `scenario` says to `server`, as the clients of `run`; answers what came of it and what it cost there, with
   * what `beside(server, signal)` has found out meanwhile, which ends on its signal.
   */
  async put(server, run, scenario, beside) {
    const { url, grpcAddress } = server;
    await this.#ask({ type: 'prepare', run, target: { url, grpcAddress }, scenario }, 'prepared');
    server.takePeakMb();
    const over = new AbortController();
    const [row, meanwhile] = await Promise.all([
      this.#go(server).finally(() => over.abort()),
      beside?.(server, over.signal),
    ]);
    return { ...row, ...meanwhile };
  }

  async #go(server) {
    const [cpu, others] = [server.cpuSeconds(), serverCpuSeconds(server.backingPids)];
    const began = performance.now();
    const { type: _, ...row } = await this.#ask({ type: 'go' }, 'result');
    const wall = (performance.now() - began) / 1000;
    const used = server.cpuSeconds() - cpu;
    return {
      ...row,
      rate: row.events / row.seconds,
      wall,
      cpu: used / wall,
      perCpuSecond: row.worked / used,
      cpuUs: (used * 1e6) / row.worked,
      ...serverCpuEach(others, serverCpuSeconds(server.backingPids), row.worked),
      peakMb: server.takePeakMb(),
    };
  }

  /** The points of all events of `run` that were accepted, by player. */
  async expected(run) {
    return (await this.#ask({ type: 'expected', run }, 'expected')).points;
  }

  end() {
    this.child.send({ type: 'end' });
  }

  async #ask(message, answer) {
    if (this.#busy) throw new Error('The load generator does one thing at a time');
    this.#busy = true;
    try {
      return await this.#answerTo(message, answer);
    } finally {
      this.#busy = false;
    }
  }

  #answerTo(message, answer) {
    return new Promise((resolve, reject) => {
      const ended = (code) => reject(new Error(`The load generator ended with ${code}`));
      const listen = (reply) => {
        if (reply.type !== answer) return;
        this.child.off('message', listen).off('exit', ended);
        resolve(reply);
      };
      this.child.on('message', listen).once('exit', ended);
      this.child.send(message);
    });
  }
}
