import { createPrivateKey, createPublicKey } from 'node:crypto';
import { accessSync, constants, readFileSync } from 'node:fs';
import type { z } from 'zod';
import { redisUrl, sqsUrl } from './config.addresses';
import type { BadVariable } from './config.errors';
import { hostOf, isLoopback } from './config.listeners';
import { brokenPlacement, busKindOf, listenersOf, modulesOf } from './config.placement';
import type { EnvironmentVariables, Variables } from './config.schema';
import { isFiled } from './config.values';
import { parseDatabaseUrl } from './database-url';
import { parseRedisUrl } from './redis-url';
import { parseServiceBusConnection, type ServiceBusConnection } from './servicebus-connection';
import { type Configured, databaseVariable, variablesOf } from './settings';
import { AddressError } from './url-options';

export function authRequired(env: EnvironmentVariables): boolean {
  return env.AUTH_REQUIRED ?? env.ENVIRONMENT !== 'development';
}

/** Three spellings of one address. */
export function redisUrlOf(env: EnvironmentVariables): string | undefined {
  return env.REDIS_URL ?? env.REDIS_ADDR ?? redisHostOf(env);
}

function redisHostOf(env: EnvironmentVariables): string | undefined {
  return env.REDIS_HOST === undefined ? undefined : `redis://${env.REDIS_HOST}:${env.REDIS_PORT ?? 6379}`;
}

/** Rules that span several variables. */
export function* brokenRules(env: Variables, features: readonly Configured[]): Generator<BadVariable> {
  yield* ports(env, features);
  yield* listenerTls(env);
  yield* brokenPlacement(env, features);
  yield* pools(env);
  yield* otherNames(env, features);
  yield* locks(env);
  yield* bus(env);
  yield* tokenKeys(env);
  const secret = secretsOf(env, variablesOf(features));
  yield* secrets(env, secret, features);
  yield* knownSecrets(env, secret);
  const here = modulesOf(env, features);
  for (const feature of features) if (here.includes(feature.contract.name)) yield* feature.rules?.(env) ?? [];
  if (env.ENVIRONMENT !== 'development') yield* deployed(env);
  if (env.ENVIRONMENT === 'production') yield* production(env, features);
  if (!authRequired(env) && !isLoopback(hostOf(env))) {
    yield { name: 'AUTH_REQUIRED', reason: 'may be false only while HOST is a loopback address' };
  }
}

function* ports(env: Variables, features: readonly Configured[]): Generator<BadVariable> {
  const taken = new Map<number, string>();
  for (const { variable, port } of listenersOf(env, features)) {
    const other = taken.get(port);
    if (other !== undefined && port !== 0) yield { name: variable, reason: `is the same as ${other}` };
    taken.set(port, variable);
  }
}

function* listenerTls(env: EnvironmentVariables): Generator<BadVariable> {
  if ((env.GRPC_TLS_CERT === undefined) !== (env.GRPC_TLS_KEY === undefined)) {
    yield {
      name: env.GRPC_TLS_CERT === undefined ? 'GRPC_TLS_CERT' : 'GRPC_TLS_KEY',
      reason: 'is missing: certificate and key go together',
    };
  }
  if (env.GRPC_TLS_CA !== undefined && env.GRPC_TLS_CERT === undefined) {
    yield { name: 'GRPC_TLS_CA', reason: 'needs GRPC_TLS_CERT and GRPC_TLS_KEY' };
  }
  for (const name of ['GRPC_TLS_CERT', 'GRPC_TLS_KEY', 'GRPC_TLS_CA'] as const) {
    if (env[name] !== undefined && !readable(env[name])) yield { name, reason: 'names a file that cannot be read' };
  }
}

function readable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function* pools(env: EnvironmentVariables): Generator<BadVariable> {
  if (env.DB_POOL_MIN > env.DB_POOL_MAX) yield { name: 'DB_POOL_MIN', reason: 'is more than DB_POOL_MAX' };
  if (env.SHUTDOWN_DRAIN_MS >= env.SHUTDOWN_HARD_MS)
    yield { name: 'SHUTDOWN_DRAIN_MS', reason: 'must be less than SHUTDOWN_HARD_MS' };
}

/** Two names of one thing may not say two things. */
function* otherNames(env: Variables, features: readonly Configured[]): Generator<BadVariable> {
  const databases = features.flatMap((feature) => {
    const [alias, own] = [feature.databaseAlias, databaseVariable(feature)];
    return alias === undefined ? [] : [[alias, env[alias], own, env[own]] as const];
  });
  const names = [
    ['DB_URL', env.DB_URL, 'DATABASE_URL', env.DATABASE_URL] as const,
    ...databases,
    ['REDIS_ADDR', env.REDIS_ADDR, 'REDIS_URL', env.REDIS_URL] as const,
    ['REDIS_HOST', redisHostOf(env), 'REDIS_URL', env.REDIS_URL ?? env.REDIS_ADDR] as const,
  ];
  for (const [name, value, other, same] of names) {
    if (value !== undefined && same !== undefined && value !== same)
      yield { name, reason: `differs from ${other}, of which it is another name` };
  }
}

function* locks(env: EnvironmentVariables): Generator<BadVariable> {
  if (env.LOCK_TYPE === 'redis' && (env.LOCK_REDIS_URLS ?? redisUrlOf(env)) === undefined)
    yield { name: 'REDIS_URL', reason: 'is missing: LOCK_TYPE=redis needs it, or LOCK_REDIS_URLS' };
  if (new Set(env.LOCK_REDIS_URLS).size < (env.LOCK_REDIS_URLS?.length ?? 0))
    yield { name: 'LOCK_REDIS_URLS', reason: 'names one server twice: it cannot agree with itself' };
  if (env.ETCD_ENDPOINTS?.some((endpoint) => !/^https?:\/\/[^/@?#]+\/?$/.test(endpoint)))
    yield { name: 'ETCD_ENDPOINTS', reason: 'must be http://host:2379,..., without credentials or path' };
  if (env.LOCK_TYPE === 'etcd' && env.ETCD_ENDPOINTS === undefined)
    yield { name: 'ETCD_ENDPOINTS', reason: 'is missing: LOCK_TYPE=etcd needs it' };
}

/** The Redis of the bus, if it has one of its own. */
function busRedisOf({ BUS_CONN }: EnvironmentVariables): string | undefined {
  return redisUrl().safeParse(BUS_CONN).data;
}

function* bus(env: EnvironmentVariables): Generator<BadVariable> {
  const kind = busKindOf(env);
  if (kind === 'redis') yield* redisBus(env);
  if (kind === 'servicebus') yield* serviceBus(env);
  if (kind === 'sqs' && env.BUS_CONN === undefined)
    yield { name: 'BUS_CONN', reason: 'is missing: BUS_KIND=sqs needs it' };
  else if (kind === 'sqs') yield* refused('BUS_CONN', sqsUrl().safeParse(env.BUS_CONN));
}

function* refused(name: string, { error }: z.ZodSafeParseResult<string>): Generator<BadVariable> {
  for (const { message } of error?.issues ?? []) yield { name, reason: message };
}

function* redisBus(env: EnvironmentVariables): Generator<BadVariable> {
  if (env.BUS_CONN === undefined && redisUrlOf(env) === undefined)
    yield { name: 'REDIS_URL', reason: 'is missing: BUS_KIND=redis needs it, or BUS_CONN' };
  if (env.BUS_CONN !== undefined && busRedisOf(env) === undefined)
    yield { name: 'BUS_CONN', reason: 'must be a Redis URL, as REDIS_URL is' };
}

function* serviceBus(env: EnvironmentVariables): Generator<BadVariable> {
  const found = connectionOf(env);
  if (found === undefined) yield { name: 'BUS_CONN', reason: 'is missing: BUS_KIND=servicebus needs it' };
  else if (found instanceof AddressError) yield { name: 'BUS_CONN', reason: found.message };
  else if (found.emulator && env.ENVIRONMENT === 'production' && !env.ALLOW_PLAINTEXT_INTERNAL)
    yield { name: 'BUS_CONN', reason: 'with UseDevelopmentEmulator (no TLS) needs ALLOW_PLAINTEXT_INTERNAL=true' };
}

/** The Service Bus of the bus, or why there can be none. */
function connectionOf(env: EnvironmentVariables): ServiceBusConnection | AddressError | undefined {
  if (env.BUS_CONN === undefined || busKindOf(env) !== 'servicebus') return undefined;
  try {
    return parseServiceBusConnection(env.BUS_CONN);
  } catch (error) {
    if (error instanceof AddressError) return error;
    throw error;
  }
}

function* tokenKeys(env: EnvironmentVariables): Generator<BadVariable> {
  for (const file of env.JWT_PRIVATE_KEY_FILE ?? []) {
    if (!isRsaKey(file, 'private')) yield { name: 'JWT_PRIVATE_KEY_FILE', reason: notRsa };
  }
  for (const file of env.JWT_PUBLIC_KEY_FILE ?? []) {
    if (!isRsaKey(file, 'public')) yield { name: 'JWT_PUBLIC_KEY_FILE', reason: notRsa };
  }
}

const notRsa = 'must name files of RSA keys in PEM, 2048 bits or more, that can be read';

function isRsaKey(file: string, kind: 'private' | 'public'): boolean {
  try {
    const pem = readFileSync(file);
    const key = kind === 'private' ? createPrivateKey(pem) : createPublicKey(pem);
    return key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
  } catch {
    return false;
  }
}

/** The secrets that variables hold, by their names. */
function secretsOf(env: Variables, variables: z.ZodRawShape): [string, readonly Buffer[]][] {
  return Object.entries(variables).flatMap(([name, variable]) => {
    const values = isFiled(variable as z.ZodType) ? [env[name] ?? []].flat() : [];
    const found = values.map((one) => (Buffer.isBuffer(one) ? one : (one as { secret?: Buffer }).secret));
    const buffers = found.filter((one) => one !== undefined);
    return buffers.length === 0 ? [] : [[name, buffers]];
  });
}

function* secrets(
  env: Variables,
  purposes: readonly [string, readonly Buffer[]][],
  features: readonly Configured[],
): Generator<BadVariable> {
  if (env.HMAC_KEYS?.some((key) => key.kid === 'default')) {
    yield { name: 'HMAC_KEYS', reason: 'may not name the key "default": that one is HMAC_SECRET' };
  }
  const seen = new Map<string, string>();
  for (const [name, values] of purposes) {
    for (const value of values) {
      const key = keyOf(value);
      const other = seen.get(key);
      if (other !== undefined) yield { name, reason: `shares a secret with ${other}; every secret has one purpose` };
      seen.set(key, name);
    }
  }
  for (const [name, password] of passwords(env, features)) {
    const other = seen.get(keyOf(Buffer.from(password)));
    if (other !== undefined)
      yield { name: other, reason: `is the password in ${name}, too; every secret has one purpose` };
  }
}

/** The same for a secret as it is written and for its bytes. */
function keyOf(secret: Buffer): string {
  const text = secret.toString('utf8');
  return (text.startsWith('whsec_') ? Buffer.from(text.slice(6), 'base64') : secret).toString('hex');
}

function* passwords(env: Variables, features: readonly Configured[]): Generator<readonly [string, string]> {
  const own = features.flatMap((feature) => [databaseVariable(feature), feature.databaseAlias ?? []].flat());
  for (const name of ['DATABASE_URL', 'DB_URL', ...own]) {
    const value = env[name];
    if (typeof value === 'string') yield [name, parseDatabaseUrl(value).password];
  }
  for (const url of [env.REDIS_URL ?? [], env.LOCK_REDIS_URLS ?? [], busRedisOf(env) ?? []].flat())
    yield ['a Redis URL', parseRedisUrl(url).password ?? ''];
  const connection = connectionOf(env);
  if (connection !== undefined && !(connection instanceof AddressError)) yield ['BUS_CONN', connection.secret];
}

/** Secrets that stand in this program, and so are everybody's: for a process that only its own machine reaches. */
function* knownSecrets(
  env: EnvironmentVariables,
  purposes: readonly [string, readonly Buffer[]][],
): Generator<BadVariable> {
  const isDeveloped = env.ENVIRONMENT === 'development';
  if (isDeveloped && isLoopback(hostOf(env))) return;
  const way = isDeveloped ? ', or HOST to 127.0.0.1: others reach this process, and everybody knows this one' : '';
  for (const [name, values] of purposes) {
    if (values.some((value) => value.toString('utf8').startsWith('aerie-development-')))
      yield { name, reason: `must be set to a secret of your own${way}` };
  }
}

function* deployed(env: EnvironmentVariables): Generator<BadVariable> {
  if (env.ALLOWED_ORIGINS === undefined || env.ALLOWED_ORIGINS.includes('*')) {
    yield { name: 'ALLOWED_ORIGINS', reason: 'must name the origins that may call; * is not one' };
  }
}

function* production(env: Variables, features: readonly Configured[]): Generator<BadVariable> {
  if (env.AUTH_REQUIRED === false) yield { name: 'AUTH_REQUIRED', reason: 'must not be false in production' };
  if (env.ALLOW_SINGLE_NODE) return;
  if (env.LOCK_TYPE === 'memory')
    yield { name: 'LOCK_TYPE', reason: 'memory in production needs ALLOW_SINGLE_NODE=true' };
  if (busKindOf(env) === 'inmem')
    yield { name: 'BUS_KIND', reason: 'inmem in production needs ALLOW_SINGLE_NODE=true' };
  const urls: Record<string, unknown> = { DATABASE_URL: env.DATABASE_URL ?? env.DB_URL ?? 'sqlite:' };
  for (const name of features.map(databaseVariable)) urls[name] = env[name];
  for (const [name, value] of Object.entries(urls)) {
    if (typeof value === 'string' && value.startsWith('sqlite:'))
      yield { name, reason: 'SQLite in production needs ALLOW_SINGLE_NODE=true' };
  }
}
