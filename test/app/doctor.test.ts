import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAt } from '../shared/db/fixtures';
import { type Ended, ensureBuilt, runToEnd } from '../support/app';
import { everyDatabase, type TestDatabase } from '../support/databases';
import { makeKeyFile } from '../support/keys';
import { redisCall, startRedis } from '../support/redis';
import { certificateFile } from '../support/tls-proxy';
import { openApp } from '../support/wires';
import { examined, expectFound, staging } from './examined';

// ISSUE 14, must hold 5: each fault is found, its remedy is named, and no secret is shown.

const postgres = everyDatabase.find(({ name }) => name === 'postgres') as (typeof everyDatabase)[number];
const root = join(__dirname, '..', '..');
const minuteMs = 60_000;
const centuryMs = 120 * 365 * 24 * 3_600_000;
const password = 'hunter2-is-not-the-password';

let folder: string;
let database: TestDatabase;
const open: AsyncDisposable[] = [];
beforeAll(async () => {
  ensureBuilt();
  folder = mkdtempSync(join(tmpdir(), 'aerie-doctor-'));
  for (const [name, ms] of [
    ['minute', minuteMs],
    ['century', centuryMs],
  ] as const)
    writeFileSync(join(folder, `${name}.js`), `const now = Date.now; Date.now = () => now() + ${ms};`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  database = await postgres.create();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
function keep<T extends AsyncDisposable>(one: T): T {
  open.push(one);
  return one;
}

/** By the clock of so much later. */
const later = (name: 'minute' | 'century') => ({ NODE_OPTIONS: `--require ${join(folder, `${name}.js`)}` });

const doctor = (env: Record<string, string>): Promise<Ended> => examined(folder, env, [password]);

async function listening(): Promise<{ port: number } & AsyncDisposable> {
  // It says nothing, as a program of another kind.
  const server: Server = createServer((socket) => socket.destroy());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: () => new Promise((done) => server.close(() => done())) };
}

test('a system that is well: exit code 0', async () => {
  const redis = keep(await startRedis({ args: ['--appendonly', 'yes'] }));
  const env = { ...(await staging(folder)), DATABASE_URL: database.url, REDIS_URL: redis.url };
  expect((await runToEnd(['migrate'], { cwd: folder, env })).code).toBe(0);
  const { code, out, err } = await doctor(env);
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/ok +database +postgres:\S+ +\d+\S* +\d+\.\d\n/);
  expect(out).toMatch(/ok +redis +127\.0\.0\.1:\d+ +\d+\.\d+\.\d+ +\d+\.\d +cache\n/);
  expect(out).not.toContain('FAIL');
});

test('wrong passwords, who is gone, what is taken, and what is weak', async () => {
  const redis = keep(await startRedis({ password: 'the-right-one' }));
  const [http, grpc, gone] = [keep(await listening()), keep(await listening()), await listening()];
  await gone[Symbol.asyncDispose]();
  const env = await staging(folder);
  chmodSync(env.JWT_PRIVATE_KEY_FILE ?? '', 0o644);
  const url = new URL(database.url);
  const ended = await doctor({
    ...env,
    HMAC_SECRET: 'passwordpasswordpasswordpasswordpassword',
    DATABASE_URL: `postgres://nobody:${password}@${url.host}${url.pathname}_that_is_not_there`,
    REDIS_URL: redis.url.replace('the-right-one', password),
    LOCK_TYPE: 'etcd',
    ETCD_ENDPOINTS: `http://127.0.0.1:${gone.port}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${gone.port}`,
    HTTP_PORT: String(http.port),
    GRPC_PORT: String(grpc.port),
    MODULES: 'users,auth,events-gateway,progression,leaderboard',
    FAIRNESS_URL: `grpc://127.0.0.1:${gone.port}`,
    BUS_KIND: 'redis',
    LOG_LEVEL: 'debug',
    PUBLIC_URL: 'https://api.studio.example',
    CONNECTIONS_MAX: '1000000',
    HMAC_SECRT: password,
    OTEL_LOGS_EXPORTER: password,
  });
  expect(ended.code).toBe(1);
  expectFound(ended, [
    ['FAIL', /database .*cannot be used/, /-> (Give its URL|Make the database)/],
    ['FAIL', /redis .*refuses us: WRONGPASS/, /Give its URL the right user and password/],
    ['FAIL', /lock service .*does not answer: ECONNREFUSED/, /Start etcd/],
    ['WARN', /traces .*does not answer/, /Start the collector/],
    ['FAIL', /HTTP_PORT .*another program listens there/, /give HTTP_PORT another port/],
    ['FAIL', /GRPC_PORT .*another program listens there/, /give GRPC_PORT another port/],
    ['FAIL', /feature elsewhere .*fairness.*does not answer/, /Start that process/],
    ['WARN', /HMAC_SECRET.*can be guessed/, /openssl rand -hex 32/],
    ['WARN', /JWT_PRIVATE_KEY_FILE .*others on this machine may read it/, /chmod 600/],
    ['WARN', /LOG_LEVEL is debug/, /LOG_LEVEL=info/],
    ['WARN', /PUBLIC_URL names a proxy/, /TRUSTED_PROXIES/],
    ['WARN', /HMAC_SECRT +.*is not read/, /Should it be HMAC_SECRET\?/],
    ['WARN', /OTEL_LOGS_EXPORTER +.*does not heed/, /Leave it out/],
    ['WARN', /may open \d+ files/, /ulimit -n/],
  ]);
});

test('clocks, migrations, durability, a Redis that forgets, and a neighbour with another secret', async () => {
  const redis = keep(await startRedis({ args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] }));
  const other = 'another-secret-of-another-process-0123456789';
  const neighbour = keep(
    await openApp('sqlite::memory:', { MODULES: 'users,auth', INTERNAL_API_SECRET: other, AUTH_REQUIRED: 'true' }),
  );
  await sql(`ALTER DATABASE ${nameOf(database.url)} SET synchronous_commit = off`);
  const ended = await doctor({
    ...(await staging(folder)),
    ...later('minute'),
    DATABASE_URL: database.url,
    DB_POOL_MAX: '1000',
    REDIS_URL: redis.url,
    BUS_KIND: 'redis',
    MODULES: 'fairness,events-gateway,progression,leaderboard',
    USERS_URL: neighbour.url,
    AUTH_URL: neighbour.url,
  });
  expect(ended.code).toBe(1);
  expectFound(ended, [
    ['FAIL', /database .*clock is 60(\.\d)? s behind/, /NTP/],
    ['FAIL', /database .*migrations are missing: (\w+, ){2}\w+ and \d+ more$/, /npm run migrate/],
    ['WARN', /synchronous_commit = off/, /Set it back/],
    ['WARN', /takes \d+ connections/, /DB_POOL_MAX/],
    ['WARN', /redis .*no persistence/, /appendonly yes/],
    ['WARN', /redis .*throws keys away when it is full \(allkeys-lru\)/, /noeviction/],
    ['FAIL', /feature elsewhere .*refuses us/, /one INTERNAL_API_SECRET/],
  ]);
});

test('a later version, a read-only database, a replica, and a certificate that has expired', async () => {
  const [master, replica] = [keep(await startRedis()), keep(await startRedis())];
  await redisCall(replica.url, 'REPLICAOF', '127.0.0.1', new URL(master.url).port);
  const env = { ...(await staging(folder)), DATABASE_URL: database.url };
  const fewer = { BUS_KIND: 'redis', BUS_CONN: `${master.url}/99` };
  expect((await runToEnd(['migrate'], { cwd: folder, env })).code).toBe(0);
  await sql("INSERT INTO migrations (timestamp, name) VALUES (9999999999999, 'AddWings9999999999999')", database.url);
  await sql(`ALTER DATABASE ${nameOf(database.url)} SET default_transaction_read_only = on`);
  const [cert, key] = [certificateFile, await makeKeyFile(folder, 'of-another')];
  const tls = { GRPC_TLS_CERT: cert, GRPC_TLS_KEY: key };
  const ended = await doctor({ ...env, ...tls, ...fewer, ...later('century'), REDIS_URL: replica.url });
  expect(ended.code).toBe(1);
  expectFound(ended, [
    ['FAIL', /a later version has migrated it: AddWings9999999999999/, /Run that version/],
    ['FAIL', /it takes no changes/, /Name the server that takes changes/],
    ['FAIL', /redis .*a replica/, /Name the master/],
    ['FAIL', /redis .*refuses the database whose number its URL names: .*DB index/, /Name a number that it has/],
    ['FAIL', /GRPC_TLS_CERT .*has expired/, /Put a new one in its place/],
    ['FAIL', /GRPC_TLS_KEY is the key of another certificate/, /Name the key that belongs to it/],
  ]);
});

test('a full disk, and settings that cannot be used', async () => {
  const [place, script] = [join(folder, 'small'), join(root, 'dist', 'main.js')];
  mkdirSync(place);
  const run = `mount -t tmpfs -o size=1m tmpfs ${place} && DATABASE_URL=sqlite:${place}/aerie.db ${process.execPath} ${script} doctor || true`;
  const env = { PATH: process.env.PATH ?? '', HTTP_PORT: '0', GRPC_PORT: '0', CHAT_PORT: '0' };
  const out = execFileSync('unshare', ['--map-root-user', '--mount', 'sh', '-c', run], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  expectFound({ out, err: '', code: 1 }, [['FAIL', /its disk is full: 0 MB are left/, /Make room/]]);
  const reached = await doctor({ HOST: '0.0.0.0', AUTH_REQUIRED: 'true' });
  expectFound(reached, [
    ['FAIL', /settings +HMAC_SECRET +must be .* of your own.* everybody knows/, /Correct HMAC_SECRET/],
  ]);
  const guessed = 'passwordpasswordpasswordpasswordpassword';
  const developed = { ENVIRONMENT: 'development', HOST: '0.0.0.0', HMAC_SECRET: guessed };
  const weak = await doctor({ ...(await staging(folder)), ...developed, AUTH_REQUIRED: 'true' });
  expectFound(weak, [['WARN', /HMAC_SECRET.*can be guessed/, /openssl rand -hex 32/]]);
  const ended = await doctor({ HTTP_PORT: 'eighty', HMAC_SECRET: 'too-short' });
  expect([ended.code, ended.err]).toEqual([1, '']);
  expect(ended.out).toContain(': 2 faults, 0 warnings.');
  expect((await doctor({ HTTP_PORT: 'eighty' })).out).toContain(': 1 fault, 0 warnings.');
  expectFound(ended, [
    ['FAIL', /settings +HTTP_PORT +must be a whole number/, /Correct HTTP_PORT/],
    ['FAIL', /settings +HMAC_SECRET +must be at least 32 bytes/, /Correct HMAC_SECRET/],
  ]);
  expect(ended.out).not.toContain('too-short');
});

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

async function sql(text: string, url = database.url): Promise<void> {
  const db = await openAt(url);
  try {
    await db.read((one) => one.run(text));
  } finally {
    await db.close();
  }
}
