import { accessSync, constants } from 'node:fs';
import type { BadVariable } from './config.errors';
import { developmentHmacSecret, developmentReceiptKeys, type EnvironmentVariables } from './config.schema';
import { minSecretBytes, secretBytes } from './config.values';

// Who consumes whose news, and who asks whom: neither leaves the process yet.
const neighbours: Readonly<Record<string, { readonly of: string; readonly because: string }>> = {
  'events-gateway': { of: 'fairness', because: 'it asks about every event' },
  progression: { of: 'events-gateway', because: 'the inmem bus does not leave the process' },
  leaderboard: { of: 'events-gateway', because: 'the inmem bus does not leave the process' },
};

const loopback = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

export function hostOf(env: EnvironmentVariables): string {
  return env.HOST ?? (env.ENVIRONMENT === 'development' ? '127.0.0.1' : '0.0.0.0');
}

export function authRequired(env: EnvironmentVariables): boolean {
  return env.AUTH_REQUIRED ?? env.ENVIRONMENT !== 'development';
}

/** Rules that span several variables. `raw` tells an unset variable from one set to its default. */
export function* brokenRules(
  env: EnvironmentVariables,
  raw: Readonly<Record<string, string | undefined>>,
  features: readonly string[],
): Generator<BadVariable> {
  yield* listeners(env);
  yield* modules(env, features);
  yield* pools(env);
  yield* secrets(env);
  if (env.ENVIRONMENT !== 'development') yield* deployed(env, raw);
  if (env.ENVIRONMENT === 'production') yield* production(env);
  if (!authRequired(env) && !loopback.test(hostOf(env))) {
    yield { name: 'AUTH_REQUIRED', reason: 'may be false only while HOST is a loopback address' };
  }
}

function* listeners(env: EnvironmentVariables): Generator<BadVariable> {
  if (env.GRPC_ENABLED && env.HTTP_PORT === env.GRPC_PORT && env.HTTP_PORT !== 0) {
    yield { name: 'GRPC_PORT', reason: 'is the same as HTTP_PORT' };
  }
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

function* modules(env: EnvironmentVariables, features: readonly string[]): Generator<BadVariable> {
  const unknown = env.MODULES?.some((name) => !features.includes(name));
  if (unknown) yield { name: 'MODULES', reason: `must be some of ${features.join(', ')}` };
  for (const [feature, { of: other, because }] of Object.entries(neighbours)) {
    if (env.MODULES?.includes(feature) && !env.MODULES.includes(other))
      yield { name: 'MODULES', reason: `${feature} needs ${other} beside it: ${because}` };
  }
}

function* pools(env: EnvironmentVariables): Generator<BadVariable> {
  if (env.DB_POOL_MIN > env.DB_POOL_MAX) yield { name: 'DB_POOL_MIN', reason: 'is more than DB_POOL_MAX' };
  if (env.DB_URL !== undefined && env.DATABASE_URL !== undefined && env.DB_URL !== env.DATABASE_URL) {
    yield { name: 'DB_URL', reason: 'differs from DATABASE_URL, of which it is another name' };
  }
  if (env.SHUTDOWN_DRAIN_MS >= env.SHUTDOWN_HARD_MS)
    yield { name: 'SHUTDOWN_DRAIN_MS', reason: 'must be less than SHUTDOWN_HARD_MS' };
}

function* secrets(env: EnvironmentVariables): Generator<BadVariable> {
  if (secretBytes(env.HMAC_SECRET).length < minSecretBytes) {
    yield { name: 'HMAC_SECRET', reason: `must be at least ${minSecretBytes} bytes` };
  }
  if (env.HMAC_KEYS?.some((key) => key.kid === 'default')) {
    yield { name: 'HMAC_KEYS', reason: 'may not name the key "default": that one is HMAC_SECRET' };
  }
  const purposes: [string, readonly Buffer[]][] = [
    ['HMAC_SECRET', [secretBytes(env.HMAC_SECRET)]],
    ['HMAC_KEYS', (env.HMAC_KEYS ?? []).map((key) => key.secret)],
    ['RECEIPT_KEYS', env.RECEIPT_KEYS.map((key) => key.secret)],
    ['INTERNAL_API_SECRET', env.INTERNAL_API_SECRET ?? []],
  ];
  const seen = new Map<string, string>();
  for (const [name, values] of purposes) {
    for (const value of values) {
      const other = seen.get(value.toString('hex'));
      if (other !== undefined) yield { name, reason: `shares a secret with ${other}; every secret has one purpose` };
      seen.set(value.toString('hex'), name);
    }
  }
}

function* deployed(
  env: EnvironmentVariables,
  raw: Readonly<Record<string, string | undefined>>,
): Generator<BadVariable> {
  if (env.HMAC_SECRET === developmentHmacSecret)
    yield { name: 'HMAC_SECRET', reason: 'must be set to a secret of your own' };
  if ((raw.RECEIPT_KEYS ?? developmentReceiptKeys).includes('aerie-development-')) {
    yield { name: 'RECEIPT_KEYS', reason: 'must be set to secrets of your own' };
  }
  if (raw.HMAC_KEYS?.includes('aerie-development-'))
    yield { name: 'HMAC_KEYS', reason: 'must be set to secrets of your own' };
  if (env.ALLOWED_ORIGINS === undefined || env.ALLOWED_ORIGINS.includes('*')) {
    yield { name: 'ALLOWED_ORIGINS', reason: 'must name the origins that may call; * is not one' };
  }
}

function* production(env: EnvironmentVariables): Generator<BadVariable> {
  if (env.AUTH_REQUIRED === false) yield { name: 'AUTH_REQUIRED', reason: 'must not be false in production' };
  if (env.ALLOW_SINGLE_NODE) return;
  if (env.BUS_KIND === 'inmem') yield { name: 'BUS_KIND', reason: 'inmem in production needs ALLOW_SINGLE_NODE=true' };
  const urls = {
    DATABASE_URL: env.DATABASE_URL ?? env.DB_URL ?? 'sqlite:',
    EVENTS_GATEWAY_DATABASE_URL: env.EVENTS_GATEWAY_DATABASE_URL,
    FAIRNESS_DATABASE_URL: env.FAIRNESS_DATABASE_URL,
    PROGRESSION_DATABASE_URL: env.PROGRESSION_DATABASE_URL,
    LEADERBOARD_DATABASE_URL: env.LEADERBOARD_DATABASE_URL,
  };
  for (const [name, value] of Object.entries(urls)) {
    if (value?.startsWith('sqlite:')) yield { name, reason: 'SQLite in production needs ALLOW_SINGLE_NODE=true' };
  }
}
