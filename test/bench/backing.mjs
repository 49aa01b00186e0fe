// The servers that a system has for itself beside its database. Two systems on one Redis would read each other's events,
// counters and boards. They end with the bench at the latest, as test/support sees to.
import { execFileSync } from 'node:child_process';
import { support } from '../support/typescript.mjs';
import { familyPids } from './machine.mjs';

const starters = { redis: startRedis, sqs: startSqs };

export class Backing {
  #servers = [];
  /** What tells an application where they are. */
  environment = {};
  /** Their processes, and perhaps some that began meanwhile. */
  pids = [];

  /** `names`: redis, sqs. */
  static async start(names) {
    const backing = new Backing();
    const before = familyPids();
    for (const name of names) {
      const { server, environment } = await starters[name]();
      backing.#servers.push(server);
      Object.assign(backing.environment, environment);
    }
    backing.pids = familyPids().filter((pid) => !before.includes(pid));
    return backing;
  }

  async close() {
    for (const server of this.#servers.splice(0)) await server[Symbol.asyncDispose]();
  }
}

async function startRedis() {
  support('programs').ensurePrograms(['redis-server']);
  const server = await support('redis').startRedis();
  return { server, environment: { REDIS_URL: server.url } };
}

async function startSqs() {
  const { ensureElasticMq, sqsEnvironment, startElasticMq } = support('elasticmq');
  await ensureElasticMq();
  const server = await startElasticMq();
  // Queues of this run alone, also on a server that TEST_SQS_URL names.
  const url = `${server.url}/000000000000/bench-${process.pid}?region=elasticmq`;
  return { server, environment: { ...sqsEnvironment, BUS_KIND: 'sqs', BUS_CONN: url } };
}

/** Whether an SQS can be started without fetching anything: as the tests decide whether theirs run on it. */
export function hasSqs() {
  return support('elasticmq').hasElasticMq();
}

/** As the program tells it. */
export function redisVersion() {
  const { ensurePrograms, pathOf } = support('programs');
  ensurePrograms(['redis-server']);
  const said = execFileSync(pathOf('redis-server'), ['--version'], { encoding: 'utf8' });
  return /v=(\S+)/.exec(said)?.[1] ?? said.trim();
}
