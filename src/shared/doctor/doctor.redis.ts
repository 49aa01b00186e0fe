import type { Redis } from 'ioredis';
import { guarded } from '../async/guarded';
import { within } from '../async/within';
import type { Config } from '../config/config';
import { parseRedisUrl, type RedisAddress, shownRedis } from '../config/redis-url';
import { type Finding, Patient } from '../findings/finding';
import { scrub } from '../logging/redaction';
import { isDatabaseRefused, serverOptions } from '../redis/redis.options';

const limitMs = 3000;
const fullShare = 0.9;

/** What Redis is used for here, by its variable. */
export type RedisUse = 'cache' | 'bus' | 'lock';

/** Looks at every Redis that this process asks. A cluster's nodes and a sentinel's servers each by itself. */
export async function lookAtRedis({ redisUrl, bus, lock }: Config): Promise<Finding[]> {
  const uses = new Map<string, Set<RedisUse>>();
  const use = (url: string, what: RedisUse): unknown => uses.set(url, (uses.get(url) ?? new Set()).add(what));
  if (redisUrl !== undefined) use(redisUrl, 'cache');
  if (bus.kind === 'redis') use(bus.url, 'bus');
  if (lock.type === 'redis') for (const url of lock.redisUrls) use(url, 'lock');
  const found = [...uses].map(([url, what]) => lookAtOne(parseRedisUrl(url), what));
  return (await Promise.all(found)).flat();
}

async function lookAtOne(address: RedisAddress, uses: ReadonlySet<RedisUse>): Promise<Finding[]> {
  const patients = await Promise.all(serversOf(address).map((server) => examine(server, uses)));
  return patients.flatMap(({ findings }) => findings);
}

/** A sentinel is asked for its server; of a cluster each named node is looked at. */
function serversOf(address: RedisAddress): RedisAddress[] {
  if (address.kind !== 'cluster') return [address];
  return address.hosts.map((host) => ({ ...address, kind: 'single', hosts: [host] }));
}

async function examine(address: RedisAddress, uses: ReadonlySet<RedisUse>): Promise<Patient> {
  const patient = new Patient('redis', shownRedis(address));
  const { default: ioredis } = await import('ioredis');
  const once = { lazyConnect: true, retryStrategy: () => null, sentinelRetryStrategy: () => null };
  const client = new ioredis.Redis({ ...serverOptions(address), ...once });
  let failure: unknown;
  // The error of a connection comes here; the command's says only that there is none.
  const failed = guarded((error: unknown) => {
    failure ??= error;
  });
  client.on('error', failed);
  try {
    await within(client.connect(), limitMs);
    await judge(client, patient, uses);
  } catch (error) {
    refused(patient, failure ?? error);
  } finally {
    client.disconnect();
  }
  return patient;
}

async function judge(client: Redis, patient: Patient, uses: ReadonlySet<RedisUse>): Promise<void> {
  const began = performance.now();
  await client.ping();
  const latencyMs = performance.now() - began;
  const info = factsIn(await client.info());
  patient.well([...uses].join(', '), { version: info.redis_version, latencyMs });
  if (info.role !== undefined && info.role !== 'master')
    patient.fail('it is a replica and takes no changes', 'Name the master, or its sentinels: redis+sentinel://...');
  if (info.aof_enabled === '0' && (await saves(client)) === false)
    patient.warn(
      'it has no persistence: neither an append-only file nor snapshots, so a restart forgets everything',
      uses.has('bus') || uses.has('lock')
        ? 'Set appendonly yes: what is under way on the bus is read again from the log, and takes longer; locks are lost.'
        : 'For caches and presence that is fine; after a restart they are filled again.',
    );
  const { maxmemory_policy: policy = 'noeviction', maxmemory = '0', used_memory: used = '0' } = info;
  if (policy !== 'noeviction' && maxmemory !== '0')
    patient.warn(
      `it throws keys away when it is full (${policy})`,
      'Set maxmemory-policy noeviction, or give Aerie a Redis of its own: a key that is gone is a lock or a count that is gone.',
    );
  if (maxmemory !== '0' && Number(used) > fullShare * Number(maxmemory))
    patient.warn('its memory is nearly full', 'Raise maxmemory, or give Aerie a Redis of its own.');
}

/** Whether it writes snapshots; undefined where it does not tell: managed ones often do not. */
async function saves(client: Redis): Promise<boolean | undefined> {
  try {
    const [, save] = (await client.config('GET', 'save')) as string[];
    return save === undefined ? undefined : save !== '';
  } catch (error) {
    if ((error as { readonly command?: unknown }).command === undefined) throw error;
    return undefined;
  }
}

function factsIn(info: string): Record<string, string | undefined> {
  const lines = info.split('\r\n').filter((line) => line.includes(':'));
  return Object.fromEntries(lines.map((line) => line.split(':', 2) as [string, string]));
}

function refused(patient: Patient, error: unknown): void {
  const { message = '', code } = error as { readonly message?: string; readonly code?: string };
  const reason = scrub(message || code || 'does not answer');
  if (/^(WRONGPASS|NOAUTH|ERR .*AUTH|ERR invalid password)/.test(message))
    patient.fail(`refuses us: ${reason}`, 'Give its URL the right user and password.');
  else if (isDatabaseRefused(error as Error))
    patient.fail(
      `refuses the database whose number its URL names: ${reason}`,
      'Name a number that it has (`databases` in redis.conf; many services have only 0) and that its user may choose.',
    );
  else patient.fail(`does not answer: ${reason}`, 'Start it, or name the host and port where it listens.');
}
