import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventsGatewayFeature } from '../../src/features/events-gateway/events-gateway.module';
import { openAt } from '../shared/db/fixtures';
import { type Ended, runToEnd, startApp } from '../support/app';
import { everyDatabase, everyServer, type TestDatabase } from '../support/databases';
import { newerVersion } from '../support/newer-version';

// What `node dist/main.js` does beside serving.

const { version } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as {
  version: string;
};
const folder = mkdtempSync(join(tmpdir(), 'aerie-commands-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const run = (args: readonly string[], env: Record<string, string> = {}, dist?: string): Promise<Ended> =>
  runToEnd(args, { cwd: folder, env, ...(dist !== undefined && { dist }) });

test('the version and the list of commands are told without any setting', async () => {
  const broken = { HTTP_PORT: 'eighty' };
  for (const name of ['--version', '-v', '-V'])
    expect(await run([name], broken)).toEqual({ code: 0, out: `aerie ${version}\n`, err: '' });
  const { code, out } = await run(['--help'], broken);
  expect(code).toBe(0);
  for (const command of ['migrate', '--dry-run', 'health', '-v, -V, --version']) expect(out).toContain(command);
});

describe('health', () => {
  const health = (port: string | number): Promise<Ended> => run(['health'], { HTTP_PORT: String(port) });

  test('says with the exit code whether the process that serves is ready, and what does not do', async () => {
    const app = await startApp();
    const { port } = new URL(app.url);
    expect(await health(port)).toEqual({ code: 0, out: 'ready\n', err: '' });
    await app.stop();
    const { code, out } = await health(port);
    expect([code, out]).toEqual([1, expect.stringMatching(/^http:.*\/health\/ready does not answer: .*ECONNREFUSED/)]);
    expect(await health(0)).toMatchObject({ code: 1, out: expect.stringContaining('HTTP_PORT is 0') });
  });

  test.each([
    [
      'names what is unhealthy',
      '{"checks":{"database":{"status":"unhealthy","reason":"does not answer"}}}',
      /^not ready: database does not answer\n$/,
    ],
    ['is not ready where somebody else listens', '<html>', /^not ready: answered 503\n$/],
    ['is not ready where the answer is cut off', '{"checks":', /does not answer/],
  ])('%s', async (_what, body, expected) => {
    const server = createServer((_request, response) => response.writeHead(503).end(body));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { code, out, err } = await health((server.address() as AddressInfo).port);
    expect([code, out, err]).toEqual([1, expect.stringMatching(expected), '']);
    await new Promise((done) => server.close(done));
  });
});

describe.each(everyDatabase)('migrate on $name', ({ create }) => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await create();
  });
  afterEach(async () => {
    await database[Symbol.asyncDispose]();
  });
  const migrate = (...args: string[]): Promise<Ended> => run(['migrate', ...args], { DATABASE_URL: database.url });

  test('--dry-run says what would be done, and does none of it', async () => {
    for (let times = 0; times < 2; times += 1) {
      const planned = await migrate('--dry-run');
      expect([planned.code, planned.out]).toEqual([0, expect.stringMatching(/^To be migrated: .*CreateGameEvents\d+/)]);
    }
    const { code, out } = await migrate();
    expect([code, out]).toEqual([0, expect.stringMatching(/^Migrated: .*CreateGameEvents\d+/)]);
    expect(await migrate('--dry-run')).toEqual({ code: 0, out: 'The databases are up to date.\n', err: '' });
  }, 60_000);
});

// Those of the test's later version are for servers.
test.each(everyServer)(
  'a later version has migrated: an earlier one changes nothing, and says which, on $name',
  async ({ create }) => {
    await using database = await create();
    const migrate = (args: readonly string[], dist?: string) =>
      run(['migrate', ...args], { DATABASE_URL: database.url }, dist);
    using newer = newerVersion();
    const ahead = await migrate([], newer.dist);
    expect([ahead.code, ahead.out]).toEqual([0, expect.stringContaining(newer.migrations[0] ?? '')]);
    for (const args of [[], ['--dry-run']]) {
      const { code, out, err } = await migrate(args);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/^A later version has migrated these databases \(.*\)\. Nothing was changed/);
      for (const name of newer.migrations) expect(err).toContain(name);
    }
    // Both versions still serve: what a later one adds does not disturb.
    await using app = await startApp({ databaseUrl: database.url });
    expect((await fetch(`${app.url}/health/ready`)).status).toBe(200);
  },
  60_000,
);

test('the tables that an earlier version kept in one file are left there by a dry run', async () => {
  const url = `sqlite:${join(folder, 'one-file.db')}`;
  const { migrations, entities } = eventsGatewayFeature;
  const open = () => openAt(url, { migrations, tables: entities as never });
  await (await open()).close();
  expect((await run(['migrate', '--dry-run'], { DATABASE_URL: url })).code).toBe(0);
  await using db = await open();
  const tables = await db.read((sql) => sql.rows("SELECT name FROM sqlite_master WHERE name = 'game_events'"));
  expect(tables).toHaveLength(1);
});
