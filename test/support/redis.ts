import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { connections, type RedisClient } from '../../src/shared/redis/redis.client';
import { eventually } from './eventually';
import { freePort } from './processes';
import { pathOf } from './programs';
import { type DatabaseServer, folderFor, OwnServer } from './servers';

/** A Redis of the tests' own. It keeps nothing on disk: after `restart` it is empty. */
export type RedisServer = DatabaseServer;

/** Runs one command on a connection of its own. */
export async function redisCall(url: string, command: string, ...args: (string | number)[]): Promise<unknown> {
  const client = new Redis(url, {
    retryStrategy: () => null,
    connectTimeout: 1000,
    commandTimeout: 2000,
    lazyConnect: true,
  });
  // The command below fails with the same error.
  client.on('error', () => undefined);
  try {
    return await client.call(command, ...args);
  } finally {
    client.disconnect();
  }
}

/** From now on it waits for answers for so long that no pause of this process, or of the server, looks like silence. */
export function waitPatiently(client: RedisClient): RedisClient {
  for (const each of connections(client)) each.options.commandTimeout = 60_000;
  return client;
}

interface RedisOptions {
  readonly args?: readonly string[];
  readonly password?: string;
}

/** A fresh redis-server; ready in some 50 ms. */
export async function startRedis({ args = [], password }: RedisOptions = {}): Promise<RedisServer> {
  const folder = await folderFor('root', 'redis');
  const port = await freePort();
  const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  const secret = password === undefined ? [] : ['--requirepass', password];
  const url = `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`;
  const recipe = {
    user: 'root',
    program: pathOf('redis-server'),
    args: [...where, ...secret, ...args],
    url,
    answers: () => redisCall(url, 'PING'),
  };
  return new OwnServer(recipe, folder, port).start();
}

export interface RedisSet extends AsyncDisposable {
  readonly servers: readonly RedisServer[];
  /** As REDIS_URL names them all. */
  readonly url: string;
}

/** A master, a replica and the sentinel that watches them (the last of the servers) and calls them `aerie`. */
export async function startSentinel(): Promise<RedisSet> {
  const master = await startRedis();
  const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(master.port)] });
  await eventually(async () => {
    const told = String(await redisCall(master.url, 'INFO', 'replication'));
    if (!told.includes('state=online')) throw new Error(`The replica is not there: ${told}`);
  });
  const folder = await folderFor('root', 'sentinel');
  const port = await freePort();
  const file = join(folder, 'sentinel.conf');
  const watched = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor aerie 127.0.0.1 ${master.port} 1`,
    'sentinel down-after-milliseconds aerie 500',
    'sentinel failover-timeout aerie 2000',
  ];
  await writeFile(file, `${watched.join('\n')}\n`);
  const url = `redis://127.0.0.1:${port}`;
  const knowsBoth = async (): Promise<void> => {
    const replicas = (await redisCall(url, 'SENTINEL', 'REPLICAS', 'aerie')) as unknown[];
    if (replicas.length === 0) throw new Error('The sentinel does not know the replica');
  };
  const recipe = { user: 'root', program: pathOf('redis-server'), args: [file, '--sentinel'], url, answers: knowsBoth };
  const sentinel = await new OwnServer(recipe, folder, port).start();
  return set([master, replica, sentinel], `redis+sentinel://127.0.0.1:${port}/aerie`);
}

/** A cluster of three masters without replicas. */
export async function startRedisCluster(): Promise<RedisSet> {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no'];
  // By default the nodes talk at port + 10000, which an outgoing connection of anybody's may have.
  const buses = await Promise.all([1, 2, 3].map(() => freePort()));
  const start = (bus: number): Promise<RedisServer> => startRedis({ args: [...args, '--cluster-port', String(bus)] });
  const servers = await Promise.all(buses.map(start));
  const ranges = [
    [0, 5460],
    [5461, 10922],
    [10923, 16383],
  ] as const;
  for (const [i, server] of servers.entries()) {
    await redisCall(server.url, 'CLUSTER', 'ADDSLOTSRANGE', ...ranges[i]!);
    if (i > 0) await redisCall(server.url, 'CLUSTER', 'MEET', '127.0.0.1', servers[0]!.port, buses[0]!);
  }
  for (const server of servers) await eventually(() => complete(server), 20_000);
  return set(servers, `redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`);
}

async function complete(server: RedisServer): Promise<void> {
  const told = String(await redisCall(server.url, 'CLUSTER', 'INFO'));
  const whole = told.includes('cluster_state:ok') && told.includes('cluster_slots_ok:16384');
  if (!whole || !told.includes('cluster_size:3')) throw new Error(`The cluster is not complete: ${told}`);
}

function set(servers: readonly RedisServer[], url: string): RedisSet {
  return {
    servers,
    url,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}
