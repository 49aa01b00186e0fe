import { z } from 'zod';
import { databaseUrl, redisAddress, redisUrl } from './config.addresses';
import { keyRing, secret, secretList } from './config.secrets';
import { addresses, decimal, file, filed, flag, list, origins, pairs, publicUrl, ratio, url } from './config.values';

const samplers = [
  ...['always_on', 'always_off', 'traceidratio'],
  ...['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'],
] as const;
export const busKinds = ['inmem', 'redis', 'sqs', 'servicebus'] as const;
export const developmentHmacSecret = 'aerie-development-secret-do-not-use';

const host = z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, 'must be an IP address or a host name');
const database = databaseUrl();
// Who is named twice is there once.
const featureNames = list().transform((names) => [...new Set(names)]);

/**
 * Every variable that all of Aerie reads; those of one feature are in its settings. `describe` is a variable's comment in
 * `.env.example`, `default` what holds when it is unset. Rules that span variables are in `config.rules.ts`.
 */
export const environmentSchema = z.object({
  ENVIRONMENT: z
    .enum(['development', 'staging', 'production'], 'must be development, staging or production')
    .default('development')
    .describe('development | staging | production'),
  MODULES: featureNames
    .optional()
    .describe('The features that run in this process, comma-separated; unset: all that EXPOSE does not name'),
  EXPOSE: featureNames
    .optional()
    .describe('Features that run elsewhere and that this process answers for at its own doors'),
  MODULES_ABSENT: featureNames
    .optional()
    .describe(
      'Features that no process of this system runs: nothing is announced to them, and nobody waits for their news',
    ),
  HOST: host.optional().describe('The address to listen on; unset: 127.0.0.1 in development, else 0.0.0.0'),
  HTTP_PORT: decimal(0, 65535).default(8080).describe('HTTP; 0 takes any free port'),
  GRPC_PORT: decimal(0, 65535).default(9090).describe('gRPC; 0 takes any free port'),
  GRPC_ENABLED: flag().default(true).describe('Whether to speak gRPC at all'),
  GRPC_TLS_CERT: file.optional().describe('Certificate chain in PEM; with GRPC_TLS_KEY gRPC speaks TLS'),
  GRPC_TLS_KEY: file.optional().describe('Private key in PEM'),
  GRPC_TLS_CA: file.optional().describe('When set, callers must show a certificate that this authority signed'),
  PUBLIC_URL: publicUrl()
    .optional()
    .describe('How callers reach this process, as https://api.studio.example/game; for the links it gives out'),
  HTTP_KEEP_ALIVE_SECONDS: decimal(1, 86_400)
    .default(620)
    .describe('Seconds that a silent HTTP connection stays open: more than the balancer before it keeps one'),
  CONNECTIONS_MAX: decimal(1, 1_000_000).default(10_000).describe('Connections at most, on all ports together'),
  CONNECTIONS_PER_ADDRESS_MAX: decimal(1, 1_000_000)
    .default(1000)
    .describe('From one address at most; TRUSTED_PROXIES are not counted'),
  REQUESTS_PER_CONNECTION_MAX: decimal(1, 1000)
    .default(16)
    .describe('Requests of one HTTP connection served at a time; the next ones wait'),
  UNFINISHED_BYTES_MAX: decimal(1_048_576, 17_179_869_184)
    .default(67_108_864)
    .describe('Bytes of half-sent messages kept in all; beyond, the longest unfinished is given up'),
  UNFINISHED_BYTES_PER_CONNECTION_MAX: decimal(524_288, 1_073_741_824)
    .default(8_388_608)
    .describe('The same of one gRPC connection; beyond, it is closed'),
  UNREAD_ANSWER_SECONDS: decimal(1, 3600)
    .default(30)
    .describe('Seconds that a peer may read nothing of its answer; then its connection is closed'),
  DATABASE_URL: filed(
    database.optional().describe('sqlite:path | postgres://... | mysql://...; unset: sqlite:.data/aerie.db'),
  ),
  DB_URL: filed(database.optional().describe('Another name for DATABASE_URL')),
  DB_POOL_MIN: decimal(0, 1000).default(5).describe('Connections kept open to a database server'),
  DB_POOL_MAX: decimal(1, 1000).default(20).describe('Connections at most'),
  HEAVY_READS_MAX: decimal(1, 1000)
    .default(4)
    .describe('Reads of very many rows at once, such as old leaderboards; one connection is always left to others'),
  CACHE_TTL: decimal(0, 86400).default(300).describe('Seconds that a cached answer may live; 0 turns caching off'),
  REDIS_URL: filed(
    redisUrl()
      .optional()
      .describe('redis://host:6379 | redis+sentinel://h1:26379,h2:26379/name | redis+cluster://h1,h2 (rediss: TLS)'),
  ),
  REDIS_ADDR: redisAddress().optional().describe('Another name for REDIS_URL: host:port'),
  REDIS_HOST: host.optional().describe('Another name for REDIS_URL: the host'),
  REDIS_PORT: decimal(1, 65535).optional().describe('With REDIS_HOST; unset: 6379'),
  LOCK_TYPE: z
    .enum(['memory', 'redis', 'etcd'], 'must be memory, redis or etcd')
    .default('memory')
    .describe('memory (one process) | redis | etcd: who keeps writers of one user apart'),
  LOCK_REDIS_URLS: filed(
    list()
      .pipe(z.array(redisUrl()))
      .optional()
      .describe('Independent Redis servers, of which most must agree (redlock); unset: REDIS_URL'),
  ),
  ETCD_ENDPOINTS: list()
    .pipe(z.array(url(['http://', 'https://'])))
    .optional()
    .describe('http://host:2379,...'),
  LOCK_TTL_MS: decimal(100, 60_000).default(5000).describe('Milliseconds until the lock of a dead holder is free'),
  LOCK_WAIT_MS: decimal(0, 4000).default(1000).describe('Milliseconds to wait for a lock; then 409 resource_busy'),
  BUS_KIND: z
    .enum(busKinds, `must be ${busKinds.join(', ')}`)
    .optional()
    .describe('inmem (one process) | redis | sqs | servicebus: how features that run apart hear of each other'),
  BUS_CONN: filed(
    z
      .string()
      .optional()
      .describe('Where the bus is: a Redis URL (unset: REDIS_URL), https://sqs.../account/prefix, Endpoint=sb://...'),
  ),
  CLOUD: z
    .enum(['local', 'aws', 'azure'], 'must be local, aws or azure')
    .default('local')
    .describe('What BUS_KIND is when unset: local inmem, aws sqs, azure servicebus'),
  HMAC_SECRET: filed(
    secret()
      .prefault(developmentHmacSecret)
      .describe('Signs events under the key id "default"; at least 32 bytes, or whsec_ and base64'),
  ),
  HMAC_KEYS: filed(
    keyRing().optional().describe('More signing keys: kid:secret,kid:secret; whsec_ secrets are base64'),
  ),
  RECEIPT_KEYS: filed(
    keyRing()
      .prefault('dev:aerie-development-receipts-do-not-use')
      .describe('Receipts of rewards, and tickets: kid:secret,...; the first signs, the others still verify'),
  ),
  GRANT_KEYS: filed(
    keyRing()
      .prefault('dev:aerie-development-grants-do-not-use')
      .describe('Grants of the waiting room: kid:secret,...; the first signs, the others still verify'),
  ),
  JWT_PRIVATE_KEY_FILE: list()
    .optional()
    .describe('RSA keys in PEM, comma-separated; the first signs, all verify; unset: .data/jwt.pem in development'),
  JWT_PUBLIC_KEY_FILE: list()
    .optional()
    .describe('RSA public keys in PEM that verify, too: of a key that was replaced, or of another process'),
  JWT_ALGORITHM: z.enum(['RS256'], 'must be RS256').default('RS256').describe('RS256'),
  JWT_EXPIRY_HOURS: decimal(1, 720).default(24).describe('Hours that a player stays logged in'),
  INTERNAL_API_SECRET: filed(
    secretList()
      .optional()
      .describe('Bearer secret of operators and other processes; two, comma-separated, while rotating'),
  ),
  AUTH_REQUIRED: flag().optional().describe('Unset: false in development (loopback only), else true'),
  TRUSTED_PROXIES: addresses()
    .optional()
    .describe('Addresses or networks (10.0.0.0/8,...) whose X-Forwarded-For is believed'),
  ALLOWED_ORIGINS: origins()
    .optional()
    .describe('Browser origins that may call, comma-separated; required outside development'),
  ALLOW_SINGLE_NODE: flag()
    .default(false)
    .describe('Lets production run as one process: SQLite, inmem bus, memory lock'),
  ALLOW_PLAINTEXT_INTERNAL: flag()
    .default(false)
    .describe('Lets processes of production talk to each other without TLS, in a network that is trusted'),
  SHUTDOWN_DRAIN_MS: decimal(0, 60_000)
    .default(2000)
    .describe('Milliseconds between not ready and no longer listening'),
  SHUTDOWN_HARD_MS: decimal(100, 300_000).default(10_000).describe('Milliseconds until a stop is forced'),
  LOG_LEVEL: z
    .enum(
      ['fatal', 'panic', 'error', 'warn', 'info', 'debug', 'trace'],
      'must be fatal, panic, error, warn, info, debug or trace',
    )
    .default('info')
    .describe('fatal | panic | error | warn | info | debug | trace'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url(['http://', 'https://'])
    .refine((text) => !text.includes('@'), 'must not have credentials: keys go into OTEL_EXPORTER_OTLP_HEADERS')
    .optional()
    .describe('http://collector:4318: where traces go, as OTLP over HTTP in JSON; unset: nothing is recorded'),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url(['http://', 'https://'])
    .refine((text) => !text.includes('@'), 'must not have credentials: keys go into OTEL_EXPORTER_OTLP_TRACES_HEADERS')
    .optional()
    .describe('http://collector:4318/v1/traces: the whole address, in place of the one above'),
  OTEL_EXPORTER_OTLP_HEADERS: filed(
    pairs().optional().describe('name=value,...: headers for the receiver of traces, such as its key'),
  ),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: filed(pairs().optional().describe('The same, in place of those above')),
  OTEL_SDK_DISABLED: z
    .string()
    // As the standard has it: whatever else it says, it is false.
    .transform((text) => text.toLowerCase() === 'true')
    .default(false)
    .describe('true: nothing is recorded, whatever else is set'),
  OTEL_TRACES_EXPORTER: z
    .enum(['otlp', 'none'], 'must be otlp or none')
    .default('otlp')
    .describe('otlp, or none: nothing is recorded'),
  OTEL_SERVICE_NAME: z.string().min(1).max(128).default('aerie').describe('What this process is called in traces'),
  OTEL_RESOURCE_ATTRIBUTES: pairs().optional().describe('name=value,...: what else is said of this process in traces'),
  OTEL_TRACES_SAMPLER: z
    .enum(samplers, `must be one of ${samplers.join(', ')}`)
    .default('parentbased_traceidratio')
    .describe('Which traces are recorded, by the names of OpenTelemetry; parentbased: whoever has called decides'),
  OTEL_TRACES_SAMPLER_ARG: ratio()
    .default(1)
    .describe('Of the traces that begin here this share is recorded: 0.01 is one of a hundred'),
});

export type EnvironmentVariables = z.output<typeof environmentSchema>;

/** All variables: those that every process reads, and those of features. */
export type Variables = EnvironmentVariables & Readonly<Record<string, unknown>>;
