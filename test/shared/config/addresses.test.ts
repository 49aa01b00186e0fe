import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { features } from '../../../src/features/index';
import { ConfigError } from '../../../src/shared/config/config.errors';
import { loadConfig, type RawEnvironment } from '../../../src/shared/config/load-config';

// Where databases, locks and keys are: every spelling that operators bring along.

function badNames(environment: RawEnvironment): string[] {
  try {
    loadConfig(environment, features);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.message).not.toContain('hunter2');
    return error.variables.map(({ name }) => name).sort();
  }
}

test.each([
  ['aerie:secret@tcp(db:3306)/aerie', 'mysql://aerie:secret@db:3306/aerie'],
  ['aerie@tcp(db:3306)/aerie', 'mysql://aerie:@db:3306/aerie'],
  ['aerie:p@ss:w/rd@tcp(db:3306)/aerie?parseTime=true', 'mysql://aerie:p%40ss%3Aw%2Frd@db:3306/aerie?parseTime=true'],
  ['aerie:s@tcp(db:3306)/aerie?charset=utf8mb4&tls=true', 'mysql://aerie:s@db:3306/aerie?charset=utf8mb4&tls=true'],
  ['aerie:s@tcp(db:3306)/aerie?tls=skip-verify', 'mysql://aerie:s@db:3306/aerie?tls=skip-verify'],
  ['tcp(127.0.0.1:3306)/aerie', 'mysql://127.0.0.1:3306/aerie'],
  ['mysql://aerie:s@db:3306/aerie', 'mysql://aerie:s@db:3306/aerie'],
])('MYSQL_DSN %s is %s, for users and auth', (dsn, url) => {
  const { database } = loadConfig({ MYSQL_DSN: dsn }, features);
  expect(database.byFeature).toEqual({ users: url, auth: url });
});

test.each(['aerie:hunter2@db/aerie', 'hunter2', 'a:hunter2@unix(/tmp/s)/aerie', 'a:hunter2@tcp(db:3306)'])(
  'MYSQL_DSN=%s is refused',
  (dsn) => expect(badNames({ MYSQL_DSN: dsn })).toEqual(['MYSQL_DSN']),
);

test.each<[RawEnvironment, string | undefined]>([
  [{}, undefined],
  [{ REDIS_URL: 'redis://:pass@redis:6379/2' }, 'redis://:pass@redis:6379/2'],
  [{ REDIS_URL: 'rediss://redis' }, 'rediss://redis'],
  [{ REDIS_URL: 'redis://[::1]:6379' }, 'redis://[::1]:6379'],
  [{ REDIS_ADDR: 'redis:6380' }, 'redis://redis:6380'],
  [{ REDIS_HOST: 'redis' }, 'redis://redis:6379'],
  [{ REDIS_HOST: 'redis', REDIS_PORT: '6380', REDIS_ADDR: 'redis:6380' }, 'redis://redis:6380'],
  [{ REDIS_URL: 'redis+sentinel://s1:26379,s2/main' }, 'redis+sentinel://s1:26379,s2/main'],
  [{ REDIS_URL: 'redis+cluster://u:p@r1:6379,r2:6379,r3:6379' }, 'redis+cluster://u:p@r1:6379,r2:6379,r3:6379'],
])('%j is the Redis %s', (environment, url) => {
  expect(loadConfig(environment, features).redisUrl).toBe(url);
});

test.each<[RawEnvironment, string[]]>([
  [{ REDIS_URL: 'http://redis' }, ['REDIS_URL']],
  [{ REDIS_URL: 'redis://:hunter2@redis/abc' }, ['REDIS_URL']],
  [{ REDIS_URL: 'redis://redis/0/1' }, ['REDIS_URL']],
  [{ REDIS_URL: 'redis://r1,r2' }, ['REDIS_URL']],
  [{ REDIS_URL: 'redis+sentinel://s1:26379' }, ['REDIS_URL']],
  [{ REDIS_URL: 'redis+cluster://r1/3' }, ['REDIS_URL']],
  [{ REDIS_ADDR: 'redis' }, ['REDIS_ADDR']],
  [{ REDIS_URL: 'redis://a:6379', REDIS_ADDR: 'b:6379' }, ['REDIS_ADDR']],
  [{ REDIS_URL: 'redis://a:6379', REDIS_HOST: 'b' }, ['REDIS_HOST']],
  [{ LOCK_TYPE: 'zookeeper' }, ['LOCK_TYPE']],
  [{ LOCK_TYPE: 'redis' }, ['REDIS_URL']],
  [{ LOCK_TYPE: 'etcd' }, ['ETCD_ENDPOINTS']],
  [{ LOCK_TYPE: 'etcd', ETCD_ENDPOINTS: 'etcd:2379' }, ['ETCD_ENDPOINTS']],
  [{ LOCK_REDIS_URLS: 'redis://a,redis:b' }, ['LOCK_REDIS_URLS']],
  [{ LOCK_REDIS_URLS: 'redis://a,redis://b,redis://a' }, ['LOCK_REDIS_URLS']],
  [{ LOCK_TYPE: 'etcd', ETCD_ENDPOINTS: 'http://root:hunter2@etcd:2379' }, ['ETCD_ENDPOINTS']],
  [{ LOCK_TTL_MS: '50' }, ['LOCK_TTL_MS']],
  [{ LOCK_WAIT_MS: '5000' }, ['LOCK_WAIT_MS']],
  [{ MYSQL_DSN: 'a:b@tcp(db:1)/x', USERS_DATABASE_URL: 'mysql://a:b@db:2/x' }, ['MYSQL_DSN']],
  [{ TRUSTED_PROXIES: '10.0.0.0/33' }, ['TRUSTED_PROXIES']],
  [{ TRUSTED_PROXIES: 'balancer' }, ['TRUSTED_PROXIES']],
  [{ JWT_ALGORITHM: 'HS256' }, ['JWT_ALGORITHM']],
  [{ JWT_EXPIRY_HOURS: '0' }, ['JWT_EXPIRY_HOURS']],
  [{ MODULES: 'auth' }, ['USERS_URL']],
])('%j is refused by name', (environment, names) => expect(badNames(environment)).toEqual(names));

test.each([
  ['redis', { REDIS_ADDR: 'redis:6379' }, { redisUrls: ['redis://redis:6379'] }],
  [
    'redis',
    { LOCK_REDIS_URLS: 'redis://a,redis://b,redis://c' },
    { redisUrls: ['redis://a', 'redis://b', 'redis://c'] },
  ],
  ['etcd', { ETCD_ENDPOINTS: 'http://a:2379, https://b:2379' }, { etcdEndpoints: ['http://a:2379', 'https://b:2379'] }],
])('a %s lock with %j', (type, environment, expected) => {
  const { lock } = loadConfig({ LOCK_TYPE: type, ...environment } as RawEnvironment, features);
  expect(lock).toMatchObject({ type, ttlMs: 5000, waitMs: 1000, ...expected });
});

describe('the keys of tokens', () => {
  let folder: string;
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const pair = (modulusLength: number) =>
    generateKeyPairSync('rsa', {
      modulusLength,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
  const { privateKey, publicKey } = pair(2048);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'aerie-keys-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const secret = 's'.repeat(32);
  const staging = {
    ENVIRONMENT: 'staging',
    HMAC_SECRET: `${secret}1`,
    RECEIPT_KEYS: `k:${secret}2`,
    GRANT_KEYS: `k:${secret}3`,
    WEBHOOK_SECRET: `${secret}4`,
    ALLOWED_ORIGINS: 'https://studio.example',
  };

  test('development makes its own; elsewhere auth needs one, and only auth', () => {
    expect(loadConfig({}, features).jwt).toMatchObject({ privateKeyFiles: ['.data/jwt.pem'], makeKey: true });
    expect(badNames(staging)).toEqual(['JWT_PRIVATE_KEY_FILE']);
    expect(badNames({ ...staging, MODULES: 'users' })).toEqual([]);
    const named = { ...staging, JWT_PRIVATE_KEY_FILE: file('key.pem', privateKey) };
    expect(loadConfig(named, features).jwt).toMatchObject({ makeKey: false, ttlMs: 24 * 3_600_000 });
  });

  test('a key that is short, of another kind, not there or public where it must sign is refused', () => {
    const short = file('short.pem', pair(1024).privateKey);
    const curve = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    for (const path of [short, file('curve.pem', String(curve)), join(folder, 'none.pem'), file('pub.pem', publicKey)])
      expect(badNames({ JWT_PRIVATE_KEY_FILE: path })).toEqual(['JWT_PRIVATE_KEY_FILE']);
    expect(badNames({ JWT_PUBLIC_KEY_FILE: join(folder, 'none.pem') })).toEqual(['JWT_PUBLIC_KEY_FILE']);
    expect(badNames({ JWT_PUBLIC_KEY_FILE: file('pub.pem', publicKey) })).toEqual([]);
  });
});
