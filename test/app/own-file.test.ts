import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AppProcess, startApp } from '../support/app';
import { eventually } from '../support/eventually';
import { passedAll } from '../support/lag';
import { eventBody, signed } from '../support/signed';
import { BetterSqlite3 } from '../support/sqlite';

// On SQLite the journal has a file of its own; that of an earlier version, which was in the one file, moves there.

const folder = mkdtempSync(join(tmpdir(), 'aerie-own-'));
afterAll(() => rmSync(folder, { recursive: true }));

const all = join(folder, 'aerie.db');
const own = join(folder, 'aerie.events.db');
const occurredAt = new Date().toISOString();
const inOne = { EVENTS_GATEWAY_DATABASE_URL: `sqlite:${all}` };

const tablesOf = (file: string): unknown[] => {
  const database = new BetterSqlite3(file, { readonly: true });
  const found = database.prepare("SELECT name FROM sqlite_master WHERE name = 'game_events'").pluck().all();
  database.close();
  return found;
};

async function send({ url }: AppProcess, id: string): Promise<number> {
  const { timestamp, signatures, body } = signed(id, { ...eventBody(), occurredAt });
  const headers = {
    'content-type': 'application/json',
    'idempotency-key': id,
    'x-signature': `t=${timestamp},v1=${signatures[0]}`,
  };
  return (await fetch(`${url}/events`, { method: 'POST', headers, body })).status;
}

async function xp(app: AppProcess): Promise<unknown> {
  const answer = await fetch(`${app.url}/players/player-1/progress`);
  return ((await answer.json()) as { xp: number }).xp;
}

test('events that were in the one file are found, and applied once, in the new one', async () => {
  {
    await using app = await startApp({ databaseUrl: `sqlite:${all}`, env: inOne });
    expect(await send(app, 'one')).toBe(202);
    await passedAll(app);
    expect(await send(app, 'two')).toBe(202);
    await app.kill('SIGKILL');
  }
  expect([existsSync(own), tablesOf(all)]).toEqual([false, ['game_events']]);
  await using app = await startApp({ databaseUrl: `sqlite:${all}` });
  expect(app.stdout()).toContain('"message":"tables_moved"');
  expect([tablesOf(all), tablesOf(own)]).toEqual([[], ['game_events']]);
  expect(await send(app, 'one')).toBe(200);
  expect(await send(app, 'two')).toBe(200);
  await eventually(async () => expect(await xp(app)).toBe(20));
  await app.stop();
  await using again = await startApp({ databaseUrl: `sqlite:${all}` });
  expect(again.stdout()).not.toContain('tables_moved');
  expect(await send(again, 'three')).toBe(202);
  await eventually(async () => expect(await xp(again)).toBe(30));
});
