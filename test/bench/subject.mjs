// What is measured: a build of the application on a database of its own, as one process or as several, or the bare handler
// that it is compared with.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { Backing } from './backing.mjs';
import { temporaryFolder } from './folders.mjs';
import { serverCpuEach, serverCpuSeconds } from './machine.mjs';
import { lagQuantile } from './metrics.mjs';
import { playerName } from './prepare.mjs';
import { Server } from './server.mjs';
import { System } from './system.mjs';

const bareScript = fileURLToPath(new URL('bare.mjs', import.meta.url));
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
/** MODULES of a process that accepts events and runs no consumer of them. */
export const intakeOnly = 'users,auth,fairness,events-gateway';
const readersAtOnce = 32;

let runs = 0;

/** A build of the application; its server starts when it is first asked for. */
export class Subject {
  #server;
  #url;
  #backing;
  #nodeOptions;
  /** Where it runs and keeps its keys. */
  #folder = temporaryFolder();
  /** What the server that runs now has accepted. */
  #accepted = 0;
  kept = false;

  /**
   * `modules`: what MODULES says; without it all features run. `split`: as six processes. `backing`: the servers that it has
   * for itself beside its database; `environment`: further variables.
   */
  constructor({ name, dist, store, modules, profile, split = false, backing = [], environment = {} }) {
    this.name = name;
    this.dist = dist;
    this.store = store;
    this.modules = modules;
    this.split = split;
    this.backing = backing;
    this.environment = environment;
    // As `npm start` has it.
    this.#nodeOptions = ['--max-semi-space-size=4', ...(profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [])];
    runs += 1;
    this.run = `bench${Date.now().toString(36)}${runs}`;
  }

  /** Once it has started. */
  get databaseUrl() {
    return this.#url;
  }

  get consumes() {
    return this.modules === undefined;
  }

  async server() {
    this.#server ??= await this.#start();
    return this.#server;
  }

  async #start() {
    this.#url ??= await this.store.create();
    this.#backing ??= await Backing.start(this.backing);
    this.#accepted = 0;
    const env = {
      HTTP_PORT: '0',
      GRPC_PORT: '0',
      CHAT_PORT: '0',
      LOG_LEVEL: 'info',
      DATABASE_URL: this.#url,
      // Where the packages of a build are that was copied away from its own.
      NODE_PATH: modules,
      ...(this.modules && { MODULES: this.modules }),
      ...this.#backing.environment,
      ...this.environment,
    };
    const kind = this.split ? System : Server;
    const server = await kind.start(join(this.dist, 'main.js'), env, this.#folder, this.#nodeOptions);
    server.backingPids = this.#backing.pids;
    return server;
  }

  /** Ends the server; the next one has the same database. `undefined` when none ran. */
  async stop() {
    const server = this.#server;
    this.#server = undefined;
    return server?.stop();
  }

  /** Stands still while others are measured: six processes use a seventh of a core when nothing happens. */
  rest() {
    this.#server?.rest();
  }

  /** Goes on, once all that it stands on has been found again. */
  async wake() {
    const server = await this.server();
    server.wake();
    await server.healthy();
  }

  /** Ends the server, and what it had for itself: it does not start again. Answers as `stop`. */
  async end() {
    const ended = await this.stop();
    await this.#backing?.close();
    return ended;
  }

  /** The same database with other features. */
  async restartWith(modules) {
    await this.stop();
    this.modules = modules;
    return this.server();
  }

  /**
   * Runs one scenario and waits until what was accepted is applied, so that the next one does not pay for it. `beside`: what
   * is to be found out while it runs, see `Generator.put`.
   */
  async measure(generator, scenario, beside) {
    const server = await this.server();
    if (!this.consumes || scenario.reads || scenario.posts) return generator.put(server, this.run, scenario, beside);
    const before = await server.applied();
    const [cpu, others] = [server.cpuSeconds(), serverCpuSeconds(server.backingPids)];
    const row = await generator.put(server, this.run, scenario, beside);
    this.kept = true;
    this.#accepted += row.accepted;
    const meanwhile = await server.applied();
    const behind = await server.untilApplied(this.#accepted);
    const after = await server.applied();
    return {
      ...row,
      lagP99: lagQuantile(before, after, 0.99),
      behind,
      sustained: row.accepted / (row.wall + behind),
      appliedRate: (meanwhile.total - before.total) / row.wall,
      wholeUs: ((server.cpuSeconds() - cpu) * 1e6) / row.worked,
      ...serverCpuEach(others, serverCpuSeconds(server.backingPids), row.worked),
    };
  }

  /** Every player's XP as the application tells it, against the points of what it accepted. */
  async lost(generator) {
    const expected = await generator.expected(this.run);
    const pool = new Pool((await this.server()).url, { connections: readersAtOnce });
    const touched = [...expected.keys()].filter((player) => expected[player] > 0);
    const sums = { players: touched.length, expected: 0, found: 0, differing: 0 };
    const next = touched[Symbol.iterator]();
    const reader = async () => {
      for (const player of next) {
        const path = `/players/${playerName(this.run, player)}/progress`;
        const { body } = await pool.request({ path, method: 'GET' });
        const { xp = 0 } = await body.json();
        sums.expected += expected[player];
        sums.found += xp;
        if (xp !== expected[player]) sums.differing += 1;
      }
    };
    await Promise.all(Array.from({ length: readersAtOnce }, reader));
    await pool.destroy();
    return sums;
  }
}

/** The bare handler. `answers`: the file with what it answers to reads. */
export class BareSubject {
  #server;
  name = 'bare Fastify';
  run = 'bare';
  consumes = false;

  constructor(answers) {
    this.answers = answers;
  }

  async server() {
    this.#server ??= await Server.start(bareScript, this.answers ? { ANSWERS: this.answers } : {}, temporaryFolder());
    return this.#server;
  }

  async measure(generator, scenario) {
    const row = await generator.put(await this.server(), this.run, { ...scenario, kept: false });
    // It has no server beside it; what one used in the meantime was its own affair.
    return { ...row, databaseUs: 0, redisUs: 0, sqsUs: 0 };
  }

  async stop() {
    return this.#server?.stop();
  }
}
