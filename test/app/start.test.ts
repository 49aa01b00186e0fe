import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { type Ended, ensureBuilt, runToEnd, startApp } from '../support/app';
import { eventually } from '../support/eventually';
import { makeKeyFile } from '../support/keys';
import { createDatabase, dropDatabase } from '../support/servers';
import { eventBody, signed } from '../support/signed';
import { HttpWire } from '../support/wires';

// How the process starts, and how it says why it does not. Issue 2, must hold 8.

const postgres = process.env.TEST_POSTGRES_URL ?? '';
const mysql = process.env.TEST_MYSQL_URL ?? '';

let folder: string;

beforeAll(() => {
  ensureBuilt();
  folder = mkdtempSync(join(tmpdir(), 'aerie-start-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `node dist/main.js` until it ends by itself, for a minute at most. */
function attempt(env: Record<string, string>, args: readonly string[] = []): Promise<Ended> {
  return runToEnd(args, { cwd: folder, env });
}

/** One line for a person: no stack, no colours, no framework. */
function expectReadable({ out, err }: Ended): void {
  expect(out).toBe('');
  expect(err).not.toMatch(/\n\s+at |\[Nest\]|node_modules|Error:/);
  expect(err).not.toContain('\u001b[');
}

async function withListener(run: (port: number) => Promise<void>): Promise<void> {
  // Takes every connection and says nothing.
  const server: Server = createServer(() => undefined);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    await run((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

async function readiness(url: string): Promise<[number, string]> {
  const answer = await request(`${url}/health/ready`);
  return [answer.statusCode, await answer.body.text()];
}

describe('a bad configuration', () => {
  const bad = {
    HTTP_PORT: 'port-hunter2',
    GRPC_ENABLED: 'enabled-hunter2',
    DATABASE_URL: 'oracle://scott:database-hunter2@host/db',
    HMAC_SECRET: 'hmac-hunter2',
    RECEIPT_KEYS: 'kid:receipt-hunter2',
    INTERNAL_API_SECRET: 'internal-hunter2',
    LOG_LEVEL: 'level-hunter2',
    MODULES: 'modules-hunter2',
  };

  test('ends with 78 before anything listens, names every variable and shows no value', async () => {
    const ended = await attempt(bad);
    expect(ended.code).toBe(78);
    expectReadable(ended);
    for (const name of Object.keys(bad)) expect(ended.err).toMatch(new RegExp(`^ {2}${name}: `, 'm'));
    expect(ended.out + ended.err).not.toContain('hunter2');
  });

  test('migrate refuses it just so', async () => {
    const ended = await attempt(bad, ['migrate']);
    expect([ended.code, ended.err.includes('hunter2')]).toEqual([78, false]);
  });

  test('progression without the events gateway is refused: its news would reach nobody', async () => {
    const ended = await attempt({ MODULES: 'progression' });
    expect(ended.code).toBe(78);
    expect(ended.err).toMatch(/^ {2}EVENTS_GATEWAY_URL: is missing: progression needs events-gateway/m);
    expectReadable(ended);
  });
});

describe('the keys of tokens', () => {
  test('one that was made here and is damaged: 78, and what to do about it', async () => {
    mkdirSync(join(folder, '.data'), { recursive: true });
    writeFileSync(join(folder, '.data', 'jwt.pem'), 'hunter2');
    const ended = await attempt({});
    rmSync(join(folder, '.data', 'jwt.pem'));
    expect(ended.code).toBe(78);
    expectReadable(ended);
    expect(ended.err).toMatch(/^ {2}JWT_PRIVATE_KEY_FILE: /m);
    expect(ended.err).not.toContain('hunter2');
  });

  test('outside development there is none unless named, and auth does not start without', async () => {
    const ended = await attempt({ ENVIRONMENT: 'staging' });
    expect([ended.code, ended.err.match(/^ {2}JWT_PRIVATE_KEY_FILE: is missing/m)?.length]).toEqual([78, 1]);
  });

  test('auth without users is refused: it asks about every user', async () => {
    const ended = await attempt({ MODULES: 'auth' });
    expect([ended.code, /^ {2}USERS_URL: is missing: auth needs users/m.test(ended.err)]).toEqual([78, true]);
  });
});

test('an argument that is not known ends with 64 and says which there are', async () => {
  for (const args of [['--bogus'], ['migrat'], ['migrate', 'twice']]) {
    const ended = await attempt({}, args);
    expect(ended.code).toBe(64);
    expectReadable(ended);
    expect(ended.err).toMatch(
      /^Aerie does not know .*; without an argument it serves, and migrate brings the databases/,
    );
  }
});

test('without a compiled SQLite driver one sentence says what to do', async () => {
  const hook = join(__dirname, '../support/no-driver.cjs');
  const ended = await attempt({ NODE_OPTIONS: `--require ${hook}` });
  expect(ended.code).toBe(78);
  expectReadable(ended);
  expect(ended.err).toMatch(/^SQLite needs .*compiler.*DATABASE_URL.*\.\n$/);
});

test.each([
  ['HTTP_PORT', 'GRPC_PORT'],
  ['GRPC_PORT', 'HTTP_PORT'],
])('%s in use: a line that names it', async (taken, free) => {
  await withListener(async (port) => {
    const ended = await attempt({ [taken]: String(port), [free]: '0' });
    expect(ended.code).toBe(1);
    expectReadable(ended);
    expect(ended.err).toMatch(new RegExp(`^Aerie cannot start: ${taken}: port ${port} is in use`, 'm'));
  });
});

describe('a database that refuses', () => {
  const nowhere = ['postgres://aerie:hunter2@127.0.0.1:1/aerie', 'mysql://aerie:hunter2@127.0.0.1:1/aerie'];

  test.each(nowhere)('nothing listens: %s', async (url) => {
    const ended = await attempt({ DATABASE_URL: url });
    expect(ended.code).toBe(1);
    expectReadable(ended);
    expect(ended.err).toMatch(/^Aerie cannot start: the database \w+:\/\/127\.0\.0\.1:1\/aerie .*ECONNREFUSED/);
    expect(ended.err).not.toContain('hunter2');
  });

  test.each([
    ['postgres', () => postgres.replace(/postgres@/, 'nobody:hunter2@')],
    ['mysql', () => mysql.replace(/aerie:aerie@/, 'aerie:hunter2@')],
  ])('%s: wrong credentials', async (_name, url) => {
    const ended = await attempt({ DATABASE_URL: url() });
    expect(ended.code).toBe(1);
    expectReadable(ended);
    expect(ended.err).toMatch(/^Aerie cannot start: the database \w+:\/\/127\.0\.0\.1:\d+\/\w+ .*(nobody|aerie).*\n$/);
    expect(ended.err).not.toContain('hunter2');
  });

  test.each(['postgres', 'mysql'])('%s: a server that takes the connection and says nothing', async (kind) => {
    await withListener(async (port) => {
      const ended = await attempt({ DATABASE_URL: `${kind}://aerie:hunter2@127.0.0.1:${port}/aerie` });
      expect(ended.code).toBe(1);
      expectReadable(ended);
      expect(ended.err).not.toContain('hunter2');
    });
  });
});

describe('a SQLite file belongs to one process alone', () => {
  test('a second one is refused, also to migrate, however the file is spelled, and takes over from a killed one', async () => {
    const file = join(folder, 'shared', 'aerie.db');
    await using first = await startApp({ databaseUrl: `sqlite:${file}` });
    symlinkSync(file, join(folder, 'link.db'));
    for (const [path, ...args] of [['./shared/../shared/aerie.db'], ['./shared/aerie.db', 'migrate'], ['link.db']]) {
      const ended = await attempt({ DATABASE_URL: `sqlite:${path}` }, args);
      expect(ended.code).toBe(1);
      expectReadable(ended);
      expect(ended.err).toMatch(
        /^Aerie cannot start: the database sqlite:\S+ cannot be used: another process is using it/,
      );
    }
    await eventually(async () => expect((await readiness(first.url))[0]).toBe(200));
    await first.kill('SIGKILL');
    await using second = await startApp({ databaseUrl: `sqlite:${file}` });
    await eventually(async () => expect((await readiness(second.url))[0]).toBe(200));
    expect(await second.stop()).toBe(0);
    await using third = await startApp({ databaseUrl: `sqlite:${file}` });
    await eventually(async () => expect((await readiness(third.url))[0]).toBe(200));
    expect(await third.stop()).toBe(0);
    linkSync(file, join(folder, 'hard.db'));
    const ended = await attempt({ DATABASE_URL: 'sqlite:hard.db' });
    expect([ended.code, ended.err]).toEqual([1, expect.stringMatching(/cannot be used: the file has several names/)]);
  });
});

describe('production on PostgreSQL', () => {
  const secret = (purpose: string): string => purpose.padEnd(40, 'x');
  const settings = {
    ENVIRONMENT: 'production',
    HOST: '127.0.0.1',
    HMAC_SECRET: secret('events'),
    RECEIPT_KEYS: `first:${secret('receipts')}`,
    GRANT_KEYS: `first:${secret('grants')}`,
    // The others take money, which needs an account with somebody who does.
    MODULES: 'users,auth,events-gateway,fairness,progression,leaderboard,chat',
    INTERNAL_API_SECRET: secret('internal'),
    ALLOWED_ORIGINS: 'https://studio.example',
    ALLOW_SINGLE_NODE: 'true',
    JWT_PRIVATE_KEY_FILE: '',
  };

  beforeAll(async () => {
    settings.JWT_PRIVATE_KEY_FILE = await makeKeyFile(folder, 'production');
  });

  test('is not ready until it is migrated, and names what is missing; then it is, without a restart', async () => {
    const databaseUrl = await createDatabase(postgres);
    {
      await using app = await startApp({ databaseUrl, env: settings });
      const [status, body] = await readiness(app.url);
      expect(status).toBe(503);
      expect(body).toMatch(/CreateGameEvents\d+.*CreateProgressionRewards\d+/);
      const migrated = await attempt({ ...settings, DATABASE_URL: databaseUrl }, ['migrate']);
      expect([migrated.code, migrated.err]).toEqual([0, '']);
      expect(migrated.out).toMatch(
        /^Migrated: CreateGameEvents\d+, .*CreateAuthRegistrations\d+, .*AddAuthRegistrationUser\d+, .*CreateLeaderboardParked\d+, .*CreateEventsGatewayInbox\d+, AddEventsGatewayInboxRedriven\d+, .*AddEventsGatewayOutboxTrace\d+\n$/,
      );
      await eventually(async () => expect(await readiness(app.url)).toEqual([200, expect.stringContaining('"ready"')]));
      const again = await attempt({ ...settings, DATABASE_URL: databaseUrl }, ['migrate']);
      expect([again.code, again.out]).toEqual([0, 'The databases are up to date.\n']);
      expect(app.stdout()).not.toContain('Aerie is ready');
    }
    await dropDatabase(postgres, databaseUrl);
  });
});

describe('in development', () => {
  test('the banner says where everything is and what to try next', async () => {
    const databaseUrl = await createDatabase(mysql);
    {
      await using app = await startApp({ databaseUrl });
      // It comes after the line by which the application is known to be ready.
      await eventually(async () => expect(app.stdout()).toContain('Stop with Ctrl-C.'));
      const [, banner = ''] = app.stdout().split('Aerie is ready.');
      const { port, pathname } = new URL(databaseUrl);
      expect(banner).toContain(`HTTP      ${app.url}\n`);
      expect(banner).toContain(`gRPC      ${app.grpcUrl.slice('grpc://'.length)}\n`);
      expect(banner).toContain(`${app.url}/docs\n`);
      expect(banner).toContain(`mysql://127.0.0.1:${port}${pathname}\n`);
      expect(banner).toContain('npm run demo');
      expect(app.stdout()).not.toContain('aerie:aerie');
      expect((await request(`${app.url}/docs`)).statusCode).toBe(200);
    }
    await dropDatabase(mysql, databaseUrl);
  });

  test('the events gateway alone takes events and keeps them for those who are elsewhere', async () => {
    await using app = await startApp({ env: { MODULES: 'events-gateway,fairness' } });
    const http = new HttpWire(app.url);
    const sent = await http.call(gateway, 'ingest', signed('alone', eventBody()));
    expect([sent.status, sent.body]).toEqual([202, { eventId: 'alone', status: 'accepted' }]);
    const { body: kept } = await http.call(gateway, 'readEvents', { afterSeq: 0, consumer: 'progression' });
    expect(kept).toMatchObject({ events: [{ id: 'alone', seq: 1 }], upTo: 1, redriven: [] });
    expect((await http.send('GET', '/players/player-1/progress', {})).code).toBe('route_not_found');
    expect((await http.send('GET', '/.well-known/jwks.json', {})).code).toBe('route_not_found');
    await eventually(async () => expect((await readiness(app.url))[0]).toBe(200));
  });
});
