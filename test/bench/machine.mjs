// On what is measured, and how busy others keep it: figures of a machine that is not idle say nothing.
import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { support } from '../support/typescript.mjs';
import { median } from './statistics.mjs';

const ticksPerSecond = 100; // USER_HZ, the same on every Linux
const lookMs = 3000;
const maxLoad = 1.5;
const maxOthers = 0.25;
const maxSteal = 0.05;
/** The servers that the bench starts beside what it measures, as the kernel calls their processes. SQS is ElasticMQ. */
const servers = { database: ['postgres', 'mariadbd', 'mysqld'], redis: ['redis-server'], sqs: ['java'] };
const measured = ['fastify', 'undici', '@grpc/grpc-js', 'typeorm', 'better-sqlite3', 'pg', 'mysql2', 'jose', 'zod'];

/** The machine in words and numbers, for the heading and for JSON. */
export function machine() {
  const [cpu] = cpus();
  const require = createRequire(import.meta.url);
  const versions = measured.map((name) => [name, require(`../../node_modules/${name}/package.json`).version]);
  return {
    cores: cpus().length,
    cpu: cpu?.model ?? 'unknown',
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    syncMs: syncMs(),
    versions: Object.fromEntries(versions),
  };
}

/** Milliseconds of one small fsync where the databases of the bench are: what a COMMIT waits for. */
function syncMs() {
  const path = join(tmpdir(), `aerie-bench-sync-${process.pid}`);
  const file = openSync(path, 'w');
  try {
    const times = Array.from({ length: 50 }, (_, index) => {
      writeSync(file, Buffer.alloc(4096), 0, 4096, index * 4096);
      const began = performance.now();
      fsyncSync(file);
      return performance.now() - began;
    });
    return median(times);
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

/** The commit that a dist folder was built from, as far as git knows; `+` behind it: with changes. */
export function commitOf(dist) {
  const git = (...args) =>
    execFileSync('git', ['-C', resolve(dist, '..'), ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src').trim() !== '';
    return `${git('rev-parse', '--short=12', 'HEAD').trim()}${changed ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}

/** Looks at the machine before anything of the bench runs, and again while it does. */
export class Quiet {
  static async look() {
    const load = loadavg()[0];
    const before = ticks();
    await sleep(lookMs);
    return new Quiet(load, between(before, ticks()));
  }

  constructor(load, idle) {
    this.load = load;
    this.idle = idle;
    this.began = ticks();
  }

  /** What the machine did before the bench began, and why its figures would mean nothing. */
  before() {
    const reasons = [
      this.load > maxLoad && `the load was ${this.load.toFixed(2)} before it began (at most ${maxLoad})`,
      this.idle.others > maxOthers && `others used ${this.idle.others.toFixed(2)} cores before it began`,
    ].filter(Boolean);
    const { others, steal } = this.idle;
    return {
      loadBefore: this.load,
      othersBefore: others,
      stealBefore: steal,
      conclusive: reasons.length === 0,
      reasons,
    };
  }

  /** The same of the whole run: what the bench and all that it started did not use, and what the hypervisor took. */
  report() {
    const before = this.before();
    const { others, steal } = between(this.began, ticks());
    const reasons = [
      ...before.reasons,
      others > maxOthers && `others used ${others.toFixed(2)} cores during the run (at most ${maxOthers})`,
      steal > maxSteal && `the hypervisor took ${(steal * 100).toFixed(0)} % of the time`,
    ].filter(Boolean);
    return { ...before, othersDuring: others, stealDuring: steal, conclusive: reasons.length === 0, reasons };
  }
}

/** Of the whole machine, in CPU ticks; `own`: of this process and all that it has started, the ended ones included. */
function ticks() {
  const [user, nice, system, idle, wait, irq, soft, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const all = user + nice + system + idle + wait + irq + soft + steal;
  return { all, worked: user + nice + system, steal, own: family().reduce((sum, stat) => sum + stat.whole, 0) };
}

function between(before, after) {
  const all = Math.max(1, after.all - before.all);
  const worked = after.worked - before.worked - (after.own - before.own);
  return { others: Math.max(0, (worked / all) * cpus().length), steal: (after.steal - before.steal) / all };
}

function family() {
  return familyPids().flatMap(statOf);
}

/** A process may end between the listing and the reading. */
function statOf(pid) {
  let stat;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return [];
  }
  const [user, system, childUser, childSystem] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  return [{ pid, name, whole: user + system + childUser + childSystem }];
}

/**
 * CPU seconds by kind of the servers that the bench has started: of the database's, which all share, and of the others those
 * among `own`. 0 where there is none, or it is in the process.
 */
export function serverCpuSeconds(own = []) {
  const stats = family();
  const sum = (kind) =>
    stats
      .filter(({ pid, name }) => servers[kind].includes(name) && (kind === 'database' || own.includes(pid)))
      .reduce((all, { whole }) => all + whole, 0);
  return Object.fromEntries(Object.keys(servers).map((kind) => [kind, sum(kind) / ticksPerSecond]));
}

/** The processes that the bench has started and that run, and all that these have started. */
export function familyPids() {
  return support('processes').familyOf(process.pid);
}

/** Microseconds of each of those servers for each of `count` pieces of work, between two readings. */
export function serverCpuEach(before, after, count) {
  const each = (kind) => ((after[kind] - before[kind]) * 1e6) / count;
  return { databaseUs: each('database'), redisUs: each('redis'), sqsUs: each('sqs') };
}
