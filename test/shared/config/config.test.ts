import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { EventsGatewaySettings } from '../../../src/features/events-gateway/events-gateway.settings';
import { features } from '../../../src/features/index';
import { ProgressionSettings } from '../../../src/features/progression/progression.settings';
import { ConfigError } from '../../../src/shared/config/config.errors';
import { loadConfig, type RawEnvironment } from '../../../src/shared/config/load-config';
import { databaseVariable, variablesOf } from '../../../src/shared/config/settings';
import { settingsOf } from '../../support/settings';

const secret = 's'.repeat(32);
const own = {
  HMAC_SECRET: `${secret}1`,
  RECEIPT_KEYS: `k:${secret}2`,
  GRANT_KEYS: `k:${secret}4`,
  WEBHOOK_SECRET: `${secret}5`,
};
const production = {
  MODULES: 'events-gateway,fairness,progression',
  ENVIRONMENT: 'production',
  ...own,
  INTERNAL_API_SECRET: `${secret}3`,
  ALLOWED_ORIGINS: 'https://studio.example',
  DATABASE_URL: 'postgres://aerie@db/aerie',
  ALLOW_SINGLE_NODE: 'true',
};

function badNames(environment: RawEnvironment): string[] {
  try {
    loadConfig(environment, features);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const [name, value] of Object.entries(environment)) {
      if (name !== 'ENVIRONMENT' && value && value.length > 8) expect(error.message).not.toContain(value);
    }
    return error.variables.map(({ name }) => name).sort();
  }
}

test('nothing set is a development on this machine', () => {
  expect(loadConfig({}, features)).toMatchObject({
    environment: 'development',
    modules: features.map(({ contract }) => contract.name),
    http: { host: '127.0.0.1', port: 8080 },
    grpc: { enabled: true, port: 9090 },
    database: { url: 'sqlite:.data/aerie.db' },
    authRequired: false,
  });
});

test('each feature makes its settings of the variables that only it reads', () => {
  expect(settingsOf(ProgressionSettings).levelXp).toBe(1000);
  expect(settingsOf(EventsGatewaySettings, { RATE_LIMIT_MAX: '7' })).toMatchObject({
    rateLimitMax: 7,
    rateLimitBurst: 7,
  });
});

test('what keeps nothing has no database of its own', () => {
  const names = Object.keys(variablesOf(features)).filter((name) => /^[A-Z_]+_DATABASE_URL$/.test(name));
  const keeping = features.filter(({ entities = [] }) => entities.length > 0);
  expect(names.sort()).toEqual(keeping.map(databaseVariable).sort());
});

test('an empty variable counts as unset', () => expect(badNames({ HTTP_PORT: '', DATABASE_URL: '' })).toEqual([]));

test.each<[string, RawEnvironment, string[]]>([
  ['a port that is no number', { HTTP_PORT: 'eighty' }, ['HTTP_PORT']],
  ['a port with a leading zero', { HTTP_PORT: '08080' }, ['HTTP_PORT']],
  ['a port over 65535', { GRPC_PORT: '65536' }, ['GRPC_PORT']],
  ['two listeners on one port', { HTTP_PORT: '8080', GRPC_PORT: '8080' }, ['GRPC_PORT']],
  ['an unknown environment', { ENVIRONMENT: 'test-bed' }, ['ENVIRONMENT']],
  ['an unknown module', { MODULES: 'progression,casino' }, ['MODULES']],
  ['a failure that is neither allowed nor denied', { FAIRNESS_ON_FAILURE: 'ignore' }, ['FAIRNESS_ON_FAILURE']],
  ['a database that is none', { DATABASE_URL: 'mongodb://user:hunter2hunter2@host/db' }, ['DATABASE_URL']],
  ['two aliases that differ', { DATABASE_URL: 'sqlite:first', DB_URL: 'sqlite:second' }, ['DB_URL']],
  ['more kept than allowed', { DB_POOL_MIN: '30', DB_POOL_MAX: '20' }, ['DB_POOL_MIN']],
  ['a short secret', { HMAC_SECRET: 'much-too-short' }, ['HMAC_SECRET']],
  ['a short whsec_ secret', { HMAC_SECRET: 'whsec_c2hvcnQtc2VjcmV0' }, ['HMAC_SECRET']],
  ['a key ring without key ids', { HMAC_KEYS: secret }, ['HMAC_KEYS']],
  ['a key id twice', { RECEIPT_KEYS: `a:${secret}1,a:${secret}2` }, ['RECEIPT_KEYS']],
  ['the default key in the ring', { HMAC_KEYS: `default:${secret}` }, ['HMAC_KEYS']],
  ['one secret for two purposes', { HMAC_SECRET: secret, INTERNAL_API_SECRET: secret }, ['INTERNAL_API_SECRET']],
  ['three internal secrets', { INTERNAL_API_SECRET: `${secret}1,${secret}2,${secret}3` }, ['INTERNAL_API_SECRET']],
  ['no authentication beyond this machine', { ...own, HOST: '0.0.0.0', AUTH_REQUIRED: 'false' }, ['AUTH_REQUIRED']],
  ['a process that others reach and that asks nobody, unasked', { ...own, HOST: '0.0.0.0' }, ['AUTH_REQUIRED']],
  [
    'credentials in the address of traces',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://u:p@h' },
    ['OTEL_EXPORTER_OTLP_ENDPOINT'],
  ],
  ['a second header within one', { OTEL_EXPORTER_OTLP_HEADERS: 'x=a%0Ay: b' }, ['OTEL_EXPORTER_OTLP_HEADERS']],
  ['an exporter that is none', { OTEL_TRACES_EXPORTER: 'zipkin' }, ['OTEL_TRACES_EXPORTER']],
  [
    'credentials in the whole address of traces',
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://u:p@h' },
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
  ],
  ['a share above one', { OTEL_TRACES_SAMPLER_ARG: '1.5' }, ['OTEL_TRACES_SAMPLER_ARG']],
  ['half of a TLS pair', { GRPC_TLS_CERT: '/nowhere/cert.pem' }, ['GRPC_TLS_CERT', 'GRPC_TLS_KEY']],
  [
    'TLS files that are not there',
    { GRPC_TLS_CERT: '/nowhere/cert.pem', GRPC_TLS_KEY: '/nowhere/key.pem' },
    ['GRPC_TLS_CERT', 'GRPC_TLS_KEY'],
  ],
  ['a drain longer than the stop', { SHUTDOWN_DRAIN_MS: '20000' }, ['SHUTDOWN_DRAIN_MS']],
  ['an origin with a path', { ALLOWED_ORIGINS: 'https://studio.example/path' }, ['ALLOWED_ORIGINS']],
  [
    'several at once',
    { HTTP_PORT: 'x', LEVEL_XP: '1.5', LOG_LEVEL: 'loud', HMAC_SECRET: 'short-secret' },
    ['HMAC_SECRET', 'HTTP_PORT', 'LEVEL_XP', 'LOG_LEVEL'],
  ],
])('%s is refused by name, without its value', (_name, environment, names) => {
  expect(badNames(environment)).toEqual(names);
});

test.each([
  ['progression', 'events-gateway'],
  ['leaderboard', 'events-gateway'],
  ['auth', 'users'],
  ['events-gateway', 'fairness'],
])('%s needs %s, here or elsewhere', (feature, other) => {
  const told = `_URL: is missing: ${feature} needs ${other}`;
  expect(() => loadConfig({ MODULES: feature }, features)).toThrow(told);
});

test('fairness runs alone, with a bus that reaches it', () => {
  const environment = { MODULES: 'fairness', BUS_KIND: 'redis', REDIS_URL: 'redis://h:6379' };
  expect(loadConfig(environment, features).modules).toEqual(['fairness']);
});

test('production with everything set starts', () => expect(badNames(production)).toEqual([]));

test.each<[string, RawEnvironment, string[]]>([
  ['the development secrets', { HMAC_SECRET: undefined, GRANT_KEYS: undefined }, ['GRANT_KEYS', 'HMAC_SECRET']],
  ['any origin', { ALLOWED_ORIGINS: '*' }, ['ALLOWED_ORIGINS']],
  ['no origins', { ALLOWED_ORIGINS: undefined }, ['ALLOWED_ORIGINS']],
  ['no authentication', { AUTH_REQUIRED: 'false', HOST: '127.0.0.1' }, ['AUTH_REQUIRED']],
  [
    'SQLite, the inmem bus and the memory lock, unasked',
    { DATABASE_URL: 'sqlite:x', ALLOW_SINGLE_NODE: undefined },
    ['BUS_KIND', 'DATABASE_URL', 'LOCK_TYPE'],
  ],
])('production refuses %s', (_name, change, names) => {
  expect(badNames({ ...production, ...change })).toEqual(names);
});

test('.env.example lists every variable with its default, in the order of the schema', () => {
  const rendered = execFileSync(process.execPath, ['test/architecture/env-example.mjs', '--print'], {
    encoding: 'utf8',
  });
  expect(readFileSync('.env.example', 'utf8')).toBe(rendered);
  expect([...rendered.matchAll(/^# ([A-Z_]+)=/gm)].map((match) => match[1])).toEqual(
    Object.keys(variablesOf(features)),
  );
});
