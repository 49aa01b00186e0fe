// npm run start:split: the system as six processes on this machine, on PostgreSQL and Redis: those that DATABASE_URL and
// REDIS_URL name, else throw-aways of its own. The gateway is at HTTP_PORT (8080), the others behind it. Ctrl-C stops all, and
// so does closing the terminal.
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pretty from 'pino-pretty';
import { support } from './typescript.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const { environmentOf, placedFrom, sharedEnvironment } = support('split');
const badConfiguration = 78;
const againMs = 1000;
const patienceMs = 15_000;
// Where the system can do so, a process ends with this one even when that is killed with SIGKILL.
const deadly = ['setpriv', '--pdeathsig=KILL'];
const tie = spawnSync(deadly[0], [...deadly.slice(1), 'true']).status === 0 ? deadly : [];
const print = pretty.prettyFactory({
  messageKey: 'message',
  timestampKey: 'timestamp',
  ignore: 'service',
  singleLine: true,
  colorize: true,
});

/** One process of the system: started again when it ends by itself, as an orchestrator would. */
class Supervised {
  #child;
  #gone = Promise.resolve();

  constructor(name, environment, system) {
    this.name = name;
    this.environment = environment;
    this.system = system;
  }

  start() {
    // A process group of its own: Ctrl-C in a terminal goes to the whole group, and a second signal ends a stop at once.
    const [program, ...args] = [...tie, process.execPath, '--max-semi-space-size=4', join(root, 'dist', 'main.js')];
    this.#child = spawn(program, args, {
      env: { ...process.env, ...this.environment },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { pid, stdout, stderr } = this.#child;
    createInterface({ input: stdout }).on('line', (line) => !isBanner(line) && this.#tell(line));
    createInterface({ input: stderr }).on('line', (line) => this.#tell(line));
    this.#gone = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve(this.#ended(pid, code, signal)));
    });
  }

  async stop() {
    this.#child?.kill('SIGTERM');
    await this.#gone;
  }

  kill() {
    this.#child?.kill('SIGKILL');
  }

  #ended(pid, code, signal) {
    if (this.system.stopping) return;
    if (code === badConfiguration) return void this.system.stop(badConfiguration);
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    this.#tell(`process ${pid} ${how}; it is started again`);
    setTimeout(() => !this.system.stopping && this.start(), againMs);
  }

  #tell(line) {
    if (line.trim() === '') return;
    const text = process.stdout.isTTY && line.startsWith('{') ? print(line).trimEnd() : line;
    process.stdout.write(`${this.name.padEnd(12)}| ${text}\n`);
    if (line.includes('"message":"app_ready"')) this.system.ready(this.name);
  }
}

// Each process tells it of itself on stdout, as if it were alone.
function isBanner(line) {
  return line.startsWith('  ');
}

class SplitSystem {
  stopping = false;
  #processes = [];
  #servers = [];
  #ready = new Set();

  async start() {
    const [databaseUrl, redisUrl] = [await this.#database(), await this.#redis()];
    if (this.stopping) return;
    const first = (name, otherwise) => Number(process.env[name] || otherwise);
    const placed = placedFrom(first('HTTP_PORT', 8080), first('GRPC_PORT', 9090));
    const chatPort = String(first('CHAT_PORT', 7777));
    const shared = { ...sharedEnvironment(databaseUrl, redisUrl), ...told('INTERNAL_API_SECRET') };
    this.placed = placed;
    for (const part of placed)
      this.#processes.push(
        new Supervised(part.name, { ...shared, ...environmentOf(part, placed), CHAT_PORT: chatPort }, this),
      );
    for (const one of this.#processes) one.start();
  }

  ready(name) {
    if (this.#ready.size === this.#processes.length || !this.#ready.add(name)) return;
    if (this.#ready.size < this.#processes.length) return;
    const rows = this.placed.map(
      ({ name, http, grpc }) => `  ${name.padEnd(12)}http://127.0.0.1:${http}  grpc ${grpc}`,
    );
    const kept = this.#servers.length === 0 ? '' : '  Its databases are gone when it stops.\n';
    process.stdout.write(
      `\n  Aerie is ready, as ${rows.length} processes.\n\n${rows.join('\n')}\n\n` +
        `  API          http://127.0.0.1:${this.placed[0].http}/docs\n${kept}\n` +
        '  Next, in another terminal:  npm run demo\n  Stop with Ctrl-C.\n\n',
    );
  }

  /** All at once: each stops taking requests first, and finishes what it has. */
  async stop(code) {
    if (this.stopping) return process.exit(code);
    this.stopping = true;
    process.exitCode = code;
    const late = setTimeout(() => process.exit(1), patienceMs);
    await Promise.all(this.#processes.map((one) => one.stop()));
    await Promise.all(this.#servers.map((server) => server[Symbol.asyncDispose]()));
    clearTimeout(late);
  }

  /** Nothing outlives this process, however it ends short of SIGKILL. */
  killAll() {
    for (const one of this.#processes) one.kill();
  }

  async #database() {
    const given = process.env.DATABASE_URL ?? process.env.DB_URL;
    if (given) return given;
    support('programs').ensurePrograms(['initdb', 'postgres']);
    return this.#own(await support('servers').startPostgres());
  }

  async #redis() {
    if (process.env.REDIS_URL) return process.env.REDIS_URL;
    support('programs').ensurePrograms(['redis-server']);
    return this.#own(await support('redis').startRedis());
  }

  #own(server) {
    this.#servers.push(server);
    return server.url;
  }
}

function told(name) {
  return process.env[name] ? { [name]: process.env[name] } : {};
}

const system = new SplitSystem();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => system.stop(0));
// The terminal or the reader of a pipe is gone: nobody sees what goes on here, and nobody could stop it.
process.stdout.on('error', () => system.stopping || system.stop(1));
process.on('exit', () => system.killAll());
await system.start();
