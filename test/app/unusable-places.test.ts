import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, ensureBuilt, runToEnd, startApp, withoutRights } from '../support/app';
import { everyServer } from '../support/databases';
import { openApp } from '../support/wires';
import { expectFound } from './examined';

// Files and folders that this user may not use, and databases that refuse: one line with the place and what to do.

let folder: string;
beforeAll(ensureBuilt);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aerie-places-'));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'locked'));
  writeFileSync(join(folder, 'file'), 'no folder');
  chmodSync(join(folder, 'locked'), 0o000);
});
afterEach(() => {
  chmodSync(join(folder, 'locked'), 0o755);
  rmSync(folder, { recursive: true, force: true });
});
const at = (...names: string[]): string => join(folder, ...names);
const run = (path: string, ...args: string[]): Promise<Ended> =>
  runToEnd(args, { cwd: folder, env: { DATABASE_URL: `sqlite:${path}` }, under: withoutRights });
const rights = 'Give this user the right to write there, or name another place.';

/** One line, which names the place and ends with the remedy. */
function expectTold({ code, out, err }: Ended, place: string, remedy: string): void {
  expect([code, out]).toEqual([1, '']);
  expect(err).toMatch(/^[^\n]+\n$/);
  expect(err).toContain(place);
  expect(err).toContain(remedy);
}

test('a database where this user may not look', async () => {
  for (const command of [[], ['migrate'], ['migrate', '--dry-run']])
    expectTold(await run(at('locked', 'x.db'), ...command), at('locked', 'x.db'), rights);
  const examined = await run(at('locked', 'x.db'), 'doctor');
  expect([examined.code, examined.err]).toEqual([1, '']);
  expectFound(examined, [['FAIL', /database .*x\.db .*cannot be used: EACCES: .*locked/, /Give this user the right/]]);
  expect(examined.out).not.toMatch(/database .*made at the first start/);
});

test('a database in the place of a folder, or where the system keeps no files', async () => {
  for (const [path, told] of [
    [at('file', 'x.db'), /file is a file, and no folder/],
    ['/proc/nope/x.db', /no files can be made in \/proc/],
  ] as const) {
    expectFound(await run(path, 'doctor'), [['FAIL', told, /Name a file in a folder on a disk/]]);
    for (const command of [[], ['migrate']]) expectTold(await run(path, ...command), path, 'Name a');
  }
});

test('a backup that cannot be written, or that cannot be read', async () => {
  await (await openApp(`sqlite:${at('aerie.db')}`))[Symbol.asyncDispose]();
  for (const name of readdirSync(folder)) if (name.startsWith('aerie')) chmodSync(at(name), 0o644);
  mkdirSync(at('theirs'));
  const backup = (to: string): Promise<Ended> => run(at('aerie.db'), 'backup', to);
  for (const to of [at('locked', 'new'), at('theirs', 'new')]) expectTold(await backup(to), to, rights);
  expectTold(await backup(at('theirs')), at('theirs'), rights);
  for (const to of [at('file'), at('file', 'x')]) expectTold(await backup(to), to, 'a file is in its way');
  const root = await runToEnd(['backup', '/proc/nope'], { cwd: folder, env: { DATABASE_URL: 'sqlite:aerie.db' } });
  expectTold(root, '/proc/nope', 'Name a place');
  expect(root.err).not.toContain('cannot start');
  const env = { DATABASE_URL: `sqlite:${at('aerie.db')}` };
  expect((await runToEnd(['backup', at('copy')], { cwd: folder, env })).code).toBe(0);
  for (const name of readdirSync(at('copy'))) chmodSync(at('copy', name), 0o644);
  chmodSync(at('copy'), 0o755);
  const restored = await run(at('theirs', 'aerie.db'), 'restore', at('copy'));
  expectTold(restored, at('theirs', 'aerie.db'), rights);
  expect(restored.err).not.toContain('Stop Aerie');
  chmodSync(at('copy', 'backup.json'), 0o000);
  expectTold(await run(at('theirs', 'aerie.db'), 'restore', at('copy')), 'backup.json', 'Give this user the right');
});

test('a key that this user may not read', async () => {
  mkdirSync(at('.data'), { mode: 0o755 });
  writeFileSync(at('.data', 'jwt.pem'), 'a key');
  chmodSync(at('.data', 'jwt.pem'), 0o000);
  const readable = [/JWT_PRIVATE_KEY_FILE .*jwt\.pem .*cannot be read: EACCES/, /right to read it/] as const;
  expectFound(await run(':memory:', 'doctor'), [['FAIL', ...readable]]);
  chmodSync(at('.data'), 0o000);
  const examined = await run(':memory:', 'doctor');
  chmodSync(at('.data'), 0o755);
  expectFound(examined, [['FAIL', ...readable]]);
  expect(examined.out).not.toContain('report it');
});

test.each([['backup'], ['restore'], ['backup', ''], ['restore', 'a', 'b']])(
  '%s without one folder',
  async (...args) => {
    const { code, out, err } = await run(':memory:', ...args);
    expect([code, out, err]).toEqual([64, '', expect.stringMatching(/^Name one folder: .* (backup|restore) <folder>/)]);
  },
);

test('a dry run makes no file, and reads one that a process has', async () => {
  const planned = await run(at('new', 'q.db'), 'migrate', '--dry-run');
  expect([planned.code, planned.out]).toEqual([0, expect.stringMatching(/^To be migrated: .*CreateGameEvents\d+/)]);
  expect(existsSync(at('new'))).toBe(false);
  await using _app = await startApp({ databaseUrl: `sqlite:${at('served.db')}` });
  const env = { DATABASE_URL: `sqlite:${at('served.db')}` };
  const ended = await runToEnd(['migrate', '--dry-run'], { cwd: folder, env });
  expect(ended).toEqual({ code: 0, out: 'The databases are up to date.\n', err: '' });
  const second = await runToEnd(['migrate'], { cwd: folder, env });
  expectTold(second, at('served.db'), 'Stop that process first, or name another file.');
});

test.each(everyServer)('migrate says what to do about a server that refuses: $name', async ({ create }) => {
  await using database = await create();
  const migrate = (url: string): Promise<Ended> => runToEnd(['migrate'], { cwd: folder, env: { DATABASE_URL: url } });
  const wrong = new URL(database.url);
  wrong.password = 'not-the-password';
  wrong.username = 'nobody';
  expectTold(await migrate(wrong.href), wrong.host, 'Give its URL');
  const missing = new URL(database.url);
  missing.pathname = '/not_there';
  expect((await migrate(missing.href)).err).toMatch(/(Make the database|Grant the user its database)/);
  const dead = new URL(database.url);
  dead.port = '1';
  expectTold(await migrate(dead.href), dead.host, 'Start the server, or name the host and port where it listens.');
});
