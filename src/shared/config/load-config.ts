import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { config as readDotenv } from 'dotenv';
import { z } from 'zod';
import type { Config, NamedKey } from './config';
import { type BadVariable, ConfigError } from './config.errors';
import { hostOf } from './config.listeners';
import { audienceOf, busKindOf, instancesOf, listenersOf, modulesOf, neighboursOf, placesOf } from './config.placement';
import { type RawEnvironment, rawOf } from './config.raw';
import { authRequired, brokenRules, redisUrlOf } from './config.rules';
import { type EnvironmentVariables, environmentSchema, type Variables } from './config.schema';
import { parseDatabaseUrl } from './database-url';
import { type Configured, databaseVariable, variablesOf } from './settings';

export type { RawEnvironment } from './config.raw';

/** The process's environment over what `.env` in the working directory says. */
export function readEnvironment(): RawEnvironment {
  const file: Record<string, string> = {};
  readDotenv({ processEnv: file, quiet: true });
  return { ...file, ...process.env };
}

/**
 * The configuration of a process that knows these features, and runs those of MODULES.
 * @throws ConfigError naming every variable that cannot be used
 */
export function loadConfig(environment: RawEnvironment, features: readonly Configured[]): Config {
  const variables = variablesOf(features);
  const schema = z.object(variables);
  const { values: raw, fromFile, bad: unread } = rawOf(environment, Object.keys(variables));
  const bad = new Map<string, BadVariable>();
  const parsed = schema.safeParse(raw);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0]);
    if (!bad.has(name)) bad.set(name, { name, reason: issue.message });
  }
  // Rules across variables are told too when single ones are bad: with the bad ones left at their defaults.
  const rest = (parsed.success ? parsed.data : schema.parse(omit(raw, bad))) as Variables;
  for (const rule of brokenRules(rest, features)) {
    if (!bad.has(rule.name)) bad.set(rule.name, rule);
  }
  const told = [...bad.values()].map((one) => (fromFile.has(one.name) ? { ...one, name: `${one.name}_FILE` } : one));
  if (told.length + unread.length > 0) throw new ConfigError([...unread, ...told]);
  return toConfig(rest, features);
}

/** Where HTTP listens, without anything else of the configuration. @throws ConfigError */
export function loadHttpAddress(environment: RawEnvironment): { readonly host: string; readonly port: number } {
  const schema = environmentSchema.pick({ ENVIRONMENT: true, HOST: true, HTTP_PORT: true });
  const parsed = schema.safeParse(rawOf(environment, Object.keys(schema.shape)).values);
  if (!parsed.success)
    throw new ConfigError(parsed.error.issues.map(({ path, message }) => ({ name: String(path[0]), reason: message })));
  return { host: hostOf(parsed.data), port: parsed.data.HTTP_PORT };
}

/** From src and from dist alike. */
export function packageVersion(): string {
  const text = readFileSync(join(__dirname, '..', '..', '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function omit(raw: RawEnvironment, bad: ReadonlyMap<string, unknown>): RawEnvironment {
  return Object.fromEntries(Object.entries(raw).filter(([name]) => !bad.has(name)));
}

function toConfig(env: Variables, features: readonly Configured[]): Config {
  const own = features.flatMap((feature) => {
    const url = env[databaseVariable(feature)] ?? env[feature.databaseAlias ?? ''];
    return url === undefined ? [] : [[feature.contract.name, url as string]];
  });
  const url = env.DATABASE_URL ?? env.DB_URL ?? 'sqlite:.data/aerie.db';
  const defaultKey: NamedKey = { kid: 'default', secret: env.HMAC_SECRET };
  return {
    environment: env.ENVIRONMENT,
    modules: modulesOf(env, features),
    audience: audienceOf(env, features),
    places: placesOf(env, features),
    instances: instancesOf(env, features),
    expose: env.EXPOSE ?? [],
    neighbours: neighboursOf(env, features),
    version: packageVersion(),
    http: { host: hostOf(env), port: env.HTTP_PORT, keepAliveMs: env.HTTP_KEEP_ALIVE_SECONDS * 1000 },
    listeners: listenersOf(env, features),
    publicUrl: env.PUBLIC_URL,
    limits: limitsOf(env),
    grpc: { enabled: env.GRPC_ENABLED, port: env.GRPC_PORT, ...tls(env) },
    database: {
      url,
      byFeature: Object.fromEntries(own),
      apart: apartFrom(url, features, new Set(own.map(([name]) => name))),
      poolMin: env.DB_POOL_MIN,
      poolMax: env.DB_POOL_MAX,
      heavyReads: env.HEAVY_READS_MAX,
    },
    cacheTtlMs: env.CACHE_TTL * 1000,
    redisUrl: redisUrlOf(env),
    lock: lockOf(env),
    bus: { kind: busKindOf(env), url: env.BUS_CONN ?? redisUrlOf(env) ?? '' },
    hmacKeys: [defaultKey, ...(env.HMAC_KEYS ?? [])],
    receiptKeys: env.RECEIPT_KEYS,
    grantKeys: env.GRANT_KEYS,
    jwt: jwtOf(env),
    internalSecrets: env.INTERNAL_API_SECRET ?? [],
    authRequired: authRequired(env),
    trustedProxies: env.TRUSTED_PROXIES ?? [],
    allowedOrigins: env.ALLOWED_ORIGINS ?? [],
    shutdown: { drainMs: env.SHUTDOWN_DRAIN_MS, hardMs: env.SHUTDOWN_HARD_MS },
    logLevel: env.LOG_LEVEL === 'panic' ? 'fatal' : env.LOG_LEVEL,
    tracing: tracingOf(env),
    settings: new Map(features.flatMap(({ settings }) => (settings ? [[settings, settings.read(env)]] : []))),
  };
}

function tracingOf(env: EnvironmentVariables): Config['tracing'] {
  if (env.OTEL_SDK_DISABLED || env.OTEL_TRACES_EXPORTER === 'none') return undefined;
  const endpoint = env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const url = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (endpoint && `${endpoint.replace(/\/+$/, '')}/v1/traces`);
  if (url === undefined) return undefined;
  const sampler = env.OTEL_TRACES_SAMPLER;
  const ratios = { always_on: 1, always_off: 0, traceidratio: env.OTEL_TRACES_SAMPLER_ARG };
  const named = { 'service.version': packageVersion(), ...env.OTEL_RESOURCE_ATTRIBUTES };
  return {
    url,
    headers: env.OTEL_EXPORTER_OTLP_TRACES_HEADERS ?? env.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    ratio: ratios[sampler.replace('parentbased_', '') as keyof typeof ratios],
    parentBased: sampler.startsWith('parentbased_'),
    resource: { 'service.name': env.OTEL_SERVICE_NAME, ...named },
  };
}

/** The parts of a SQLite database that have a file of their own, by the features whose tables are in them. */
function apartFrom(url: string, features: readonly Configured[], told: ReadonlySet<unknown>): Record<string, string> {
  const { kind, path } = parseDatabaseUrl(url);
  if (kind !== 'sqlite' || path === ':memory:') return {};
  const apart = features.flatMap(({ contract: { name }, ownFile }) =>
    ownFile === undefined || told.has(name) ? [] : [[name, ownFile]],
  );
  return Object.fromEntries(apart);
}

function limitsOf(env: EnvironmentVariables): Config['limits'] {
  return {
    connections: env.CONNECTIONS_MAX,
    connectionsPerAddress: env.CONNECTIONS_PER_ADDRESS_MAX,
    requestsPerConnection: env.REQUESTS_PER_CONNECTION_MAX,
    unfinishedBytes: env.UNFINISHED_BYTES_MAX,
    unfinishedBytesPerConnection: env.UNFINISHED_BYTES_PER_CONNECTION_MAX,
    unreadMs: env.UNREAD_ANSWER_SECONDS * 1000,
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
