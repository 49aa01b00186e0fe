import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { features } from '../../../src/features/index';
import type { Config } from '../../../src/shared/config/config';
import { ConfigError } from '../../../src/shared/config/config.errors';
import { developmentHmacSecret } from '../../../src/shared/config/config.schema';
import { loadConfig, type RawEnvironment } from '../../../src/shared/config/load-config';
import { variablesOf } from '../../../src/shared/config/settings';

// Secrets as people paste them, and variables that were set for somebody else.

const text = 'cafe0123456789abcdef0123456789abcdef';
const webhook = Buffer.alloc(24, 7);
const whsec = `whsec_${webhook.toString('base64')}`;

const readers: readonly [string, (secret: string) => RawEnvironment, (config: Config) => Buffer | undefined][] = [
  ['HMAC_SECRET', (secret) => ({ HMAC_SECRET: secret }), ({ hmacKeys }) => hmacKeys[0]?.secret],
  ['HMAC_KEYS', (secret) => ({ HMAC_KEYS: `a:${secret}` }), ({ hmacKeys }) => hmacKeys[1]?.secret],
  ['RECEIPT_KEYS', (secret) => ({ RECEIPT_KEYS: `a:${secret}` }), ({ receiptKeys }) => receiptKeys[0]?.secret],
  ['GRANT_KEYS', (secret) => ({ GRANT_KEYS: `a:${secret}` }), ({ grantKeys }) => grantKeys[0]?.secret],
  ['INTERNAL_API_SECRET', (secret) => ({ INTERNAL_API_SECRET: secret }), ({ internalSecrets }) => internalSecrets[0]],
];

/** In the place of those that development has. */
const ofOnesOwn = {
  ...{ HMAC_SECRET: `${text}1`, RECEIPT_KEYS: `a:${text}2` },
  ...{ GRANT_KEYS: `a:${text}3`, WEBHOOK_SECRET: `${text}4` },
};

/** Variable and reason of all that is wrong. */
function problems(environment: RawEnvironment): Record<string, string> {
  try {
    loadConfig(environment, features);
    return {};
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.message).not.toMatch(/cafe0123|whsec_[A-Za-z0-9+/=]{6}|hunter2/);
    return Object.fromEntries(error.variables.map(({ name, reason }) => [name, reason]));
  }
}

describe.each(readers)('%s', (name, environment, secretOf) => {
  const read = (value: string) => secretOf(loadConfig(environment(value), features));

  test.each([
    ['a line break after it', `${text}\n`],
    ['a Windows line break after it', `${text}\r\n`],
    ['spaces around it', `  ${text}\t`],
    ['double quotes', `"${text}"`],
    ['single quotes', `'${text}'`],
    ['typographic quotes', `“${text}”`],
    ['a line break in quotes', `"${text}\n"`],
    ['a line break that is written out', `${text}\\n`],
    ['a byte order mark', `\uFEFF${text}`],
  ])('%s is not part of it', (_name, value) => expect(read(value)?.toString()).toBe(text));

  test.each([`${whsec}\n`, `"${whsec}"`, whsec.replace(/=+$/, '')])('takes %j', (value) => {
    const bytes = read(value);
    // A bearer secret is sent as it is written.
    expect(name === 'INTERNAL_API_SECRET' ? bytes?.toString().slice(0, 6) : bytes).toEqual(
      name === 'INTERNAL_API_SECRET' ? 'whsec_' : webhook,
    );
  });

  test.each([
    ['of 23 bytes', `whsec_${Buffer.alloc(23, 7).toString('base64')}`],
    ['with a character that is not base64', `${whsec.slice(0, -6)}*${whsec.slice(-5)}`],
    ['in base64url', `whsec_${Buffer.alloc(33, 255).toString('base64url')}`],
    ['that was cut off', `whsec_${'A'.repeat(41)}`],
    ['without anything', 'whsec_'],
    ['with another dash', `whsec-${'A'.repeat(44)}`],
    ['in capitals', `WHSEC_${'A'.repeat(44)}`],
    ['with a version', `v1,${whsec}`],
    ['that is a public key', `whpk_${'A'.repeat(44)}`],
    ['that is a private key', `whsk_${'A'.repeat(44)}`],
    ['with a line break within', `${text}\n${text}`],
    ['with one quote', `"${text}`],
    ['that a shell should have replaced', `\${${text.toUpperCase()}}`],
    ['that is short', text.slice(0, 31)],
  ])('one %s is refused by name', (_case, value) => {
    expect(Object.keys(problems(environment(value)))).toEqual([name]);
  });
});

test('a bearer secret that no header can carry is refused', () => {
  expect(Object.keys(problems({ INTERNAL_API_SECRET: `${text} ${text}` }))).toEqual(['INTERNAL_API_SECRET']);
  expect(Object.keys(problems({ INTERNAL_API_SECRET: `${text}ü` }))).toEqual(['INTERNAL_API_SECRET']);
});

test.each<[string, RawEnvironment, string]>([
  ['as text', { HMAC_SECRET: text, RECEIPT_KEYS: `a:${text}` }, 'RECEIPT_KEYS'],
  ['one in quotes', { HMAC_SECRET: `"${text}"`, INTERNAL_API_SECRET: text }, 'INTERNAL_API_SECRET'],
  ['one as whsec_', { HMAC_SECRET: whsec, INTERNAL_API_SECRET: whsec }, 'INTERNAL_API_SECRET'],
  [
    'one as the base64 of the other',
    { HMAC_SECRET: text, HMAC_KEYS: `a:whsec_${Buffer.from(text).toString('base64')}` },
    'HMAC_KEYS',
  ],
  ['a password of the database', { HMAC_SECRET: text, DATABASE_URL: `postgres://u:${text}@h/x` }, 'HMAC_SECRET'],
  [
    'a key of Service Bus',
    {
      HMAC_SECRET: text,
      BUS_KIND: 'servicebus',
      BUS_CONN: `Endpoint=sb://h/;SharedAccessKeyName=a;SharedAccessKey=${text}`,
    },
    'HMAC_SECRET',
  ],
  ['a password of Redis', { INTERNAL_API_SECRET: text, REDIS_URL: `redis://:${text}@h` }, 'INTERNAL_API_SECRET'],
])('no two purposes share a secret: %s', (_name, environment, name) => {
  expect(Object.keys(problems(environment))).toEqual([name]);
});

describe('the secrets of development, which everybody knows', () => {
  const names = Object.keys(ofOnesOwn).sort();

  test.each<RawEnvironment>([
    {},
    { HOST: '127.0.0.1' },
    { HOST: '127.0.0.2' },
    { HOST: '::1' },
    { HOST: 'localhost' },
    { HOST: '127.0.0.1', AUTH_REQUIRED: 'true' },
  ])('are taken where nobody else gets through: %j', (environment) => expect(problems(environment)).toEqual({}));

  test.each(['0.0.0.0', '::', '10.0.0.7', 'game.studio.example'])('are refused by name at %s', (HOST) => {
    const found = problems({ HOST, AUTH_REQUIRED: 'true' });
    expect(Object.keys(found).sort()).toEqual(names);
    for (const name of ['HMAC_SECRET', 'RECEIPT_KEYS', 'GRANT_KEYS'])
      expect(found[name]).toBe(
        'must be set to a secret of your own, or HOST to 127.0.0.1: others reach this process, and everybody knows this one',
      );
    expect(problems({ ...ofOnesOwn, HOST, AUTH_REQUIRED: 'true' })).toEqual({});
  });

  test.each(names)('one is enough: %s', (name) => {
    const others = Object.fromEntries(Object.entries(ofOnesOwn).filter(([other]) => other !== name));
    expect(Object.keys(problems({ ...others, HOST: '0.0.0.0', AUTH_REQUIRED: 'true' }))).toEqual([name]);
  });

  test.each<RawEnvironment>([
    { HMAC_SECRET: developmentHmacSecret },
    { HMAC_SECRET: `whsec_${Buffer.from(developmentHmacSecret).toString('base64')}` },
    { WEBHOOK_SECRET: 'aerie-development-webhooks-do-not-use' },
    { RECEIPT_KEYS: `${ofOnesOwn.RECEIPT_KEYS},dev:aerie-development-receipts-do-not-use` },
    { HMAC_KEYS: `old:${developmentHmacSecret}` },
  ])('also when they are set: %j', (environment) => {
    const given = { ...ofOnesOwn, ...environment, HOST: '0.0.0.0', AUTH_REQUIRED: 'true' };
    expect(Object.keys(problems(given))).toEqual(Object.keys(environment));
  });
});

describe('a secret in a file', () => {
  let folder: string;
  const write = (name: string, content: string | Buffer): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'aerie-secrets-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const valid: Readonly<Record<string, string>> = {
    HMAC_SECRET: text,
    HMAC_KEYS: `a:${text}`,
    RECEIPT_KEYS: `a:${text}`,
    GRANT_KEYS: `a:${text}`,
    WEBHOOK_SECRET: text,
    STRIPE_SECRET_KEY: `sk_${text}`,
    STRIPE_WEBHOOK_SECRET: `whsec_${text}`,
    INTERNAL_API_SECRET: text,
    MYSQL_DSN: 'u:hunter2@tcp(h:3306)/x',
    REDIS_URL: 'redis://:hunter2@h:6379',
    LOCK_REDIS_URLS: 'redis://:hunter2@h:6379',
    BUS_CONN: 'redis://:hunter2@h:6379',
    OTEL_EXPORTER_OTLP_HEADERS: `x-key=${text}`,
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: `x-key=${text}`,
  };
  // Without it nobody asks for the receiver's headers.
  const others = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

  const variables = Object.keys(variablesOf(features));
  const filed = variables.filter((name) => variables.includes(`${name}_FILE`));

  test('every secret and every database can be read from a file', () =>
    expect(filed).toEqual(expect.arrayContaining(['HMAC_SECRET', 'RECEIPT_KEYS', 'USERS_DATABASE_URL', 'MYSQL_DSN'])));

  test.each(filed)('%s_FILE is read, line break and all', (name) => {
    const value = valid[name] ?? 'postgres://u:hunter2@h/x';
    const fromFile = loadConfig({ ...others, [`${name}_FILE`]: write(name, `${value}\n`) }, features);
    expect(fromFile).toEqual(loadConfig({ ...others, [name]: value }, features));
    expect(fromFile).not.toEqual(loadConfig(others, features));
  });

  test.each<[string, () => string]>([
    ['is not there', () => join(folder, 'none')],
    ['is a folder', () => folder],
    ['is empty', () => write('empty', '\n')],
    ['is not text', () => write('binary', Buffer.from([0xff, 0xfe, 0x00, 0x41]))],
    ['is large', () => write('large', 'x'.repeat(100_000))],
    ['holds a short secret', () => write('short', 'hunter2\n')],
    ['holds a malformed one', () => write('malformed', 'whsec_hunter2hunter2')],
  ])('one that %s is refused by the name of the file', (_name, file) => {
    expect(Object.keys(problems({ HMAC_SECRET_FILE: file() }))).toEqual(['HMAC_SECRET_FILE']);
  });

  test('a file and a value may both be there when they are the same', () => {
    const file = write('same', `${text}\n`);
    expect(problems({ HMAC_SECRET: text, HMAC_SECRET_FILE: file })).toEqual({});
    expect(problems({ HMAC_SECRET: `${text}2`, HMAC_SECRET_FILE: file })).toEqual({
      HMAC_SECRET_FILE: 'differs from HMAC_SECRET: set one',
    });
  });
});

describe('what was set for somebody else', () => {
  const defaults = loadConfig({}, features);
  test.each<RawEnvironment>([
    { REDIS_PORT: 'tcp://10.96.0.12:6379' },
    { REDIS_PORT: 'tcp://10.96.0.12:6379', REDIS_SERVICE_HOST: '10.96.0.12', REDIS_SERVICE_PORT: '6379' },
    { HTTP_PORT: 'tcp://10.96.0.13:80', GRPC_PORT: 'tcp://10.96.0.14:9090' },
    { HTTP_PORT: 'udp://10.96.0.13:80' },
    { HOST: 'tcp://10.96.0.13:80', REDIS_HOST: 'tcp://10.96.0.13:80', REDIS_ADDR: 'tcp://10.96.0.13:6379' },
    { REDIS_PORT: '6379' },
    { REDIS_PORT: 'six' },
    { HOST: 'x86_64-conda-linux-gnu' },
    { HOST: 'arm64-apple-darwin20.0.0' },
    { HOST: hostname() },
    { REDIS_URL: '  ', HTTP_PORT: '""' },
  ])('%j counts as unset', (environment) => expect(loadConfig(environment, features)).toEqual(defaults));

  test('a link beside what was meant leaves that alone', () => {
    const { redisUrl } = loadConfig({ REDIS_HOST: 'redis', REDIS_PORT: 'tcp://10.96.0.12:6379' }, features);
    expect(redisUrl).toBe('redis://redis:6379');
    const grpc = loadConfig({ GRPC_ENABLED: 'false', GRPC_PORT: 'none' }, features).grpc;
    expect(grpc.enabled).toBe(false);
  });

  test.each<[RawEnvironment, string]>([
    [{ REDIS_HOST: 'redis', REDIS_PORT: 'six' }, 'REDIS_PORT'],
    [{ GRPC_PORT: 'nine' }, 'GRPC_PORT'],
    [{ DATABASE_URL: 'tcp://10.0.0.1:5432' }, 'DATABASE_URL'],
    [{ ...ofOnesOwn, HOST: hostname(), AUTH_REQUIRED: 'false' }, 'AUTH_REQUIRED'],
  ])('%j is meant for us, and refused', (environment, name) => {
    expect(Object.keys(problems(environment))).toEqual([name]);
  });

  test('quotes of an env file are no part of any value', () => {
    expect(loadConfig({ HTTP_PORT: '"8081"', ENVIRONMENT: "'development'" }, features).http.port).toBe(8081);
  });
});
