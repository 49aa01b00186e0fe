import { config as readDotenv } from 'dotenv';
import type { Config, NamedKey } from './config';
import { type BadVariable, ConfigError } from './config.errors';
import { type RawEnvironment, rawOf } from './config.raw';
import { authRequired, brokenRules, hostOf, redisUrlOf } from './config.rules';
import { type EnvironmentVariables, environmentSchema } from './config.schema';

export type { RawEnvironment } from './config.raw';

/** The process's environment over what `.env` in the working directory says. */
export function readEnvironment(): RawEnvironment {
  const file: Record<string, string> = {};
  readDotenv({ processEnv: file, quiet: true });
  return { ...file, ...process.env };
}

/**
 * @throws ConfigError naming every variable that cannot be used. `features` are the names that MODULES may list.
 */
export function loadConfig(environment: RawEnvironment, features: readonly string[]): Config {
  const { values: raw, fromFile, bad: unread } = rawOf(environment, Object.keys(environmentSchema.shape));
  const bad = new Map<string, BadVariable>();
  const parsed = environmentSchema.safeParse(raw);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0]);
    if (!bad.has(name)) bad.set(name, { name, reason: issue.message });
  }
  // Rules across variables are told too when single ones are bad: with the bad ones left at their defaults.
  const rest = parsed.success ? parsed.data : environmentSchema.parse(omit(raw, bad));
  for (const rule of brokenRules(rest, raw, features)) {
    if (!bad.has(rule.name)) bad.set(rule.name, rule);
  }
  const told = [...bad.values()].map((one) => (fromFile.has(one.name) ? { ...one, name: `${one.name}_FILE` } : one));
  if (told.length + unread.length > 0) throw new ConfigError([...unread, ...told]);
  return toConfig(rest, features);
}

function omit(raw: RawEnvironment, bad: ReadonlyMap<string, unknown>): RawEnvironment {
  return Object.fromEntries(Object.entries(raw).filter(([name]) => !bad.has(name)));
}

function toConfig(env: EnvironmentVariables, features: readonly string[]): Config {
  const byFeature = {
    users: env.USERS_DATABASE_URL ?? env.MYSQL_DSN,
    auth: env.AUTH_DATABASE_URL ?? env.MYSQL_DSN,
    'events-gateway': env.EVENTS_GATEWAY_DATABASE_URL,
    fairness: env.FAIRNESS_DATABASE_URL,
    progression: env.PROGRESSION_DATABASE_URL,
    leaderboard: env.LEADERBOARD_DATABASE_URL,
  };
  const defaultKey: NamedKey = { kid: 'default', secret: env.HMAC_SECRET };
  return {
    environment: env.ENVIRONMENT,
    modules: env.MODULES ?? features,
    http: { host: hostOf(env), port: env.HTTP_PORT, keepAliveMs: env.HTTP_KEEP_ALIVE_SECONDS * 1000 },
    publicUrl: env.PUBLIC_URL,
    limits: limitsOf(env),
    grpc: { enabled: env.GRPC_ENABLED, port: env.GRPC_PORT, ...tls(env) },
    database: {
      url: env.DATABASE_URL ?? env.DB_URL ?? 'sqlite:.data/aerie.db',
      byFeature: Object.fromEntries(
        Object.entries(byFeature).flatMap(([name, url]) => (url === undefined ? [] : [[name, url]])),
      ),
      poolMin: env.DB_POOL_MIN,
      poolMax: env.DB_POOL_MAX,
      heavyReads: env.HEAVY_READS_MAX,
    },
    cacheTtlMs: env.CACHE_TTL * 1000,
    redisUrl: redisUrlOf(env),
    lock: lockOf(env),
    bus: { kind: env.BUS_KIND },
    hmacKeys: [defaultKey, ...(env.HMAC_KEYS ?? [])],
    receiptKeys: env.RECEIPT_KEYS,
    receiptTtlMs: env.RECEIPT_TTL_HOURS * 3_600_000,
    jwt: jwtOf(env),
    internalSecrets: env.INTERNAL_API_SECRET ?? [],
    authRequired: authRequired(env),
    trustedProxies: env.TRUSTED_PROXIES ?? [],
    allowedOrigins: env.ALLOWED_ORIGINS ?? [],
    levelXp: env.LEVEL_XP,
    leaderboard: leaderboardOf(env),
    rateLimit: { max: env.RATE_LIMIT_MAX, burst: env.RATE_LIMIT_BURST ?? Math.max(1, env.RATE_LIMIT_MAX) },
    fairnessOnFailure: env.FAIRNESS_ON_FAILURE,
    relayResendMs: env.RELAY_RESEND_MS,
    shutdown: { drainMs: env.SHUTDOWN_DRAIN_MS, hardMs: env.SHUTDOWN_HARD_MS },
    logLevel: env.LOG_LEVEL === 'panic' ? 'fatal' : env.LOG_LEVEL,
  };
}

function limitsOf(env: EnvironmentVariables): Config['limits'] {
  return {
    connections: env.CONNECTIONS_MAX,
    connectionsPerAddress: env.CONNECTIONS_PER_ADDRESS_MAX,
    requestsPerConnection: env.REQUESTS_PER_CONNECTION_MAX,
    unfinishedBytes: env.UNFINISHED_BYTES_MAX,
    unfinishedBytesPerConnection: env.UNFINISHED_BYTES_PER_CONNECTION_MAX,
    unreadMs: env.UNREAD_ANSWER_SECONDS * 1000,
    watchers: env.WATCHERS_MAX,
    watchersPerAddress: env.WATCHERS_PER_ADDRESS_MAX,
  };
}

function leaderboardOf(env: EnvironmentVariables): Config['leaderboard'] {
  return {
    timezone: env.LEADERBOARD_TIMEZONE,
    seasons: env.SEASONS,
    snapshotIntervalMs: env.SNAPSHOT_INTERVAL * 1000,
    snapshotRetentionMs: env.SNAPSHOT_RETENTION_DAYS * 86_400_000,
    topN: env.LB_TOPN,
  };
}

function jwtOf(env: EnvironmentVariables): Config['jwt'] {
  return {
    privateKeyFiles: env.JWT_PRIVATE_KEY_FILE ?? (env.ENVIRONMENT === 'development' ? ['.data/jwt.pem'] : []),
    publicKeyFiles: env.JWT_PUBLIC_KEY_FILE ?? [],
    makeKey: env.JWT_PRIVATE_KEY_FILE === undefined,
    ttlMs: env.JWT_EXPIRY_HOURS * 3_600_000,
  };
}

function lockOf(env: EnvironmentVariables): Config['lock'] {
  const redisUrl = redisUrlOf(env);
  return {
    type: env.LOCK_TYPE,
    ttlMs: env.LOCK_TTL_MS,
    waitMs: env.LOCK_WAIT_MS,
    redisUrls: env.LOCK_REDIS_URLS ?? (redisUrl === undefined ? [] : [redisUrl]),
    etcdEndpoints: env.ETCD_ENDPOINTS ?? [],
  };
}

function tls(env: EnvironmentVariables): Pick<Config['grpc'], 'tls'> {
  if (env.GRPC_TLS_CERT === undefined || env.GRPC_TLS_KEY === undefined) return {};
  return {
    tls: {
      cert: env.GRPC_TLS_CERT,
      key: env.GRPC_TLS_KEY,
      ...(env.GRPC_TLS_CA === undefined ? {} : { ca: env.GRPC_TLS_CA }),
    },
  };
}
