import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import { usersContract } from '../../src/features/users/users.api';
import { openAt } from '../shared/db/fixtures';
import { type AppProcess, type Ended, runToEnd, startApp } from '../support/app';
import { everyDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { refuseNobody } from '../support/fairness';
import { eventBody, signed } from '../support/signed';
import { HttpWire, openApp } from '../support/wires';

// ISSUE 14, deliver 6: a copy that was taken under load has everything that was acknowledged before, and its parts fit.

const players = ['ada', 'bob', 'cid'];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aerie-backup-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: string[]): string => join(folder, ...names);
const urlOf = (name: string): string => `sqlite:${at(name)}`;
const run = (name: string, ...args: string[]): Promise<Ended> =>
  runToEnd(args, { cwd: folder, env: { DATABASE_URL: urlOf(name) } });

/** Sends events without a pause until it is told to stop; what was acknowledged is in `acknowledged`. */
function load(app: AppProcess) {
  const acknowledged: string[] = [];
  let stopped = false;
  const wire = new HttpWire(app.url);
  const work = Promise.all(
    players.map(async (playerId) => {
      for (let n = 0; !stopped; n += 1) {
        const items = Array.from({ length: 5 }, (_, i) => {
          const body = eventBody({ playerId, occurredAt: new Date().toISOString(), payload: { deltaXp: 1 } });
          return { id: `${playerId}-${n}-${i}`, ...body };
        });
        const { body } = await wire.call(gateway, 'ingestBatch', signed('batch', { events: items }));
        for (const { eventId, status } of body.results as { eventId: string; status: string }[])
          if (status === 'accepted') acknowledged.push(eventId);
      }
    }),
  );
  const stop = async (): Promise<void> => {
    stopped = true;
    await work;
  };
  return { acknowledged, stop };
}

async function journaled(app: {
  readonly http: HttpWire;
}): Promise<{ id: string; playerId: string; points: number }[]> {
  const found = [];
  for (let afterSeq = 0, size = 1; size > 0; ) {
    const { body } = await app.http.call(gateway, 'readEvents', { afterSeq, limit: 1000 });
    const events = body.events as { id: string; playerId: string; points: number }[];
    size = events.length;
    found.push(...events);
    afterSeq = Number(body.upTo);
  }
  return found;
}

test('a backup under load, restored: nothing acknowledged before it is missing, and XP is what the events say', async () => {
  const app = await startApp({ databaseUrl: urlOf('aerie.db') });
  await refuseNobody(app.url);
  const { acknowledged, stop } = load(app);
  await eventually(async () => expect(acknowledged.length).toBeGreaterThan(100));
  const before = [...acknowledged];
  expect(await run('aerie.db', 'backup', at('copy'))).toMatchObject({ code: 0, err: '' });
  await eventually(async () => expect(acknowledged.length).toBeGreaterThan(before.length));
  await stop();
  expect((await run('aerie.db', 'restore', at('copy'))).err).toContain('Stop Aerie first');
  await app.stop();
  const { code, out, err } = await run('aerie.db', 'restore', at('copy'));
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(
    /^Restored what was taken at .*aerie\.db, .*aerie\.events\.db\. What was there is now .*before-restore-/,
  );
  expect(readdirSync(folder).filter((name) => name.includes('.before-restore-')).length).toBeGreaterThanOrEqual(2);
  await using restored = await openApp(urlOf('aerie.db'));
  const events = await journaled(restored);
  const ids = new Set(events.map(({ id }) => id));
  expect(before.filter((id) => !ids.has(id))).toEqual([]);
  for (const playerId of players) {
    const xp = events.filter((event) => event.playerId === playerId).reduce((sum, { points }) => sum + points, 0);
    await eventually(async () => {
      const { body } = await restored.http.call(progression, 'getProgress', { playerId });
      expect(body.xp).toBe(xp);
    });
  }
});

describe('what is refused, and changes nothing', () => {
  beforeEach(async () => {
    const app = await openApp(urlOf('aerie.db'));
    await app[Symbol.asyncDispose]();
  });
  const refusal = async (name: string, ...args: string[]): Promise<string> => {
    const names = readdirSync(folder);
    const { code, err, out } = await run(name, ...args);
    expect([code, out]).toEqual([1, '']);
    expect(readdirSync(folder)).toEqual(names);
    return err;
  };

  test('a folder with something in it; a database that is not there; a server', async () => {
    expect(await refusal('aerie.db', 'backup', folder)).toMatch(/is not empty/);
    const { code, err } = await run('none.db', 'backup', at('copy'));
    expect([code, err, readdirSync(at('copy'))]).toEqual([1, expect.stringMatching(/^There is no .*none\.db/), []]);
    await using server = (await everyDatabase
      .find(({ name }) => name === 'postgres')
      ?.create()) as never as AsyncDisposable & { url: string };
    const ended = await runToEnd(['backup', at('other')], { cwd: folder, env: { DATABASE_URL: server.url } });
    expect([ended.code, ended.err, existsSync(at('other'))]).toEqual([1, expect.stringMatching(/pg_dump/), false]);
  });

  test('a backup that is not whole, damaged, of a later version, or of none', async () => {
    const [copy, journal] = [at('copy'), at('copy', 'events-gateway.db')];
    expect((await run('aerie.db', 'backup', copy)).code).toBe(0);
    const manifest = readFileSync(join(copy, 'backup.json'), 'utf8');
    const whole = readFileSync(journal);
    chmodSync(journal, 0o600);
    const damaged = Buffer.from(whole);
    damaged[5000] = (damaged[5000] ?? 0) ^ 1;
    writeFileSync(journal, damaged);
    expect(await refusal('aerie.db', 'restore', copy)).toMatch(/events-gateway\.db is not what was backed up/);
    rmSync(journal);
    expect(await refusal('aerie.db', 'restore', copy)).toMatch(/not whole: .*events-gateway\.db is missing/);
    writeFileSync(journal, whole);
    writeFileSync(
      join(copy, 'backup.json'),
      manifest.replace('CreateGameEvents1795219200000', 'AddWings1899999999999'),
    );
    expect(await refusal('aerie.db', 'restore', copy)).toMatch(/later than this version's: AddWings1899999999999/);
    writeFileSync(join(copy, 'backup.json'), manifest.replace('"events-gateway.db"', '"../../etc/passwd"'));
    expect(await refusal('aerie.db', 'restore', copy)).toMatch(/none that Aerie has written/);
    rmSync(join(copy, 'backup.json'));
    expect(await refusal('aerie.db', 'restore', copy)).toMatch(/no whole backup/);
  });

  test('settings that have in one file what the backup has in two, or the other way round', async () => {
    expect((await run('aerie.db', 'backup', at('copy'))).code).toBe(0);
    const inOne = { DATABASE_URL: urlOf('aerie.db'), EVENTS_GATEWAY_DATABASE_URL: urlOf('aerie.db') };
    const apart = { DATABASE_URL: urlOf('aerie.db'), USERS_DATABASE_URL: urlOf('users.db') };
    for (const env of [inOne, apart]) {
      const names = readdirSync(folder);
      const { code, err } = await runToEnd(['restore', at('copy')], { cwd: folder, env });
      expect([code, err]).toEqual([1, expect.stringMatching(/in one file/)]);
      expect(readdirSync(folder)).toEqual(names);
    }
  });

  test('a copy of a damaged file is no backup', async () => {
    const db = await openAt(urlOf('aerie.db'));
    await db.close();
    const pages = readFileSync(at('aerie.db'));
    // The middle of a page that is in use: its cells point nowhere.
    for (let page = 4096; page < pages.length; page += 4096) pages.fill(0xee, page + 8, page + 24);
    writeFileSync(at('aerie.db'), pages);
    const { code, err } = await run('aerie.db', 'backup', at('copy'));
    expect([code, err !== '']).toEqual([1, true]);
    expect(readdirSync(at('copy'))).toEqual([]);
  });
});

test('files of one name in two folders, behind a link: each comes back where it was, what was there is kept whole', async () => {
  for (const name of ['disk', 'other']) mkdirSync(at(name));
  const env = { DATABASE_URL: urlOf('link.db'), USERS_DATABASE_URL: `sqlite:${at('other', 'my aerie.db')}` };
  symlinkSync(at('disk', 'my aerie.db'), at('link.db'));
  const users = async (): Promise<string[]> => {
    await using app = await openApp(env.DATABASE_URL, env);
    const { body } = await app.http.call(usersContract, 'listUsers', {});
    return (body.users as { name: string }[]).map(({ name }) => name);
  };
  const create = async (name: string): Promise<void> => {
    await using app = await openApp(env.DATABASE_URL, env);
    const made = { name, email: `${name}@example.com` };
    expect((await app.http.call(usersContract, 'createUser', made, { 'idempotency-key': `a-user-${name}` })).code).toBe(
      'ok',
    );
  };
  await create('ada');
  const copied = await runToEnd(['backup', at('copy')], { cwd: folder, env });
  expect([copied.code, copied.out]).toEqual([0, expect.stringContaining('do not fit')]);
  await create('bob');
  expect((await users()).sort()).toEqual(['ada', 'bob']);
  const restored = await runToEnd(['restore', at('copy')], { cwd: folder, env });
  expect([restored.code, restored.err]).toEqual([0, '']);
  expect(lstatSync(at('link.db')).isSymbolicLink()).toBe(true);
  expect(await users()).toEqual(['ada']);
  const aside = readdirSync(at('other')).find((name) => /before-restore-\d+$/.test(name)) ?? '';
  const kept = await openAt(`sqlite:${at('other', aside)}`);
  expect(await kept.read((sql) => sql.rows('SELECT name FROM users ORDER BY name'))).toEqual([
    { name: 'ada' },
    { name: 'bob' },
  ]);
  await kept.close();
});
