import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { leaderboardContract as leaderboard } from '../../src/features/leaderboard/leaderboard.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import { journalUrl } from '../support/databases';
import { randomEvents } from '../support/events';
import { passedAll } from '../support/lag';
import { signed } from '../support/signed';
import { BetterSqlite3 } from '../support/sqlite';
import { openApp, type TestApp } from '../support/wires';

// A power cut leaves each of SQLite's write-ahead logs up to some byte after the last COMMIT that was synced: answers wait
// for theirs, consumers do not. Wherever the logs end, what was accepted is there and counts once.

const players = 5;

interface Answered {
  /** How long the logs of the journal and of the other file were once these were answered. */
  readonly bytes: number;
  readonly effects: number;
  readonly ids: readonly string[];
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aerie-power-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function accept(app: TestApp, file: string, batch: number): Promise<Answered> {
  const events = randomEvents(12, players);
  const { code, body } = await app.http.call(gateway, 'ingestBatch', signed(`batch-${batch}`, { events }));
  expect(code).toBe('ok');
  expect((body.results as { status: string }[]).every(({ status }) => status === 'accepted')).toBe(true);
  const [bytes, effects] = [sizeOf(journalOf(file)), sizeOf(file)];
  return { bytes, effects, ids: events.map(({ id }) => id) };
}

const journalOf = (file: string): string => journalUrl(`sqlite:${file}`).slice('sqlite:'.length);
const sizeOf = (file: string): number => statSync(`${file}-wal`).size;

/** A database, and as much of its log as had reached the disk. */
function copyOf(file: string, to: string, bytes?: number): void {
  copyFileSync(file, to);
  copyFileSync(`${file}-wal`, `${to}-wal`);
  if (bytes !== undefined) truncateSync(`${to}-wal`, bytes);
}

/** The points of each player by the journal, and the ids in it. */
function journal(file: string): { readonly points: Map<string, number>; readonly ids: Set<string> } {
  const database = new BetterSqlite3(file, { readonly: true });
  const rows = database.prepare('SELECT id, player_id, points FROM game_events').all() as {
    id: string;
    player_id: string;
    points: number;
  }[];
  database.close();
  const points = new Map<string, number>();
  for (const row of rows) points.set(row.player_id, (points.get(row.player_id) ?? 0) + row.points);
  return { points, ids: new Set(rows.map(({ id }) => id)) };
}

/** What the application says of each player: XP, and the score of the season. */
async function told(app: TestApp, playerId: string): Promise<[unknown, unknown]> {
  const { body } = await app.http.call(progression, 'getProgress', { playerId });
  const rank = await app.http.call(leaderboard, 'getPlayerRank', { playerId, window: 'seasonal' });
  return [body.xp, rank.body.score];
}

test('wherever the log ends, every accepted event is there and counts once in progress and boards', async () => {
  const file = join(folder, 'aerie.db');
  const answered: Answered[] = [];
  const copy = join(folder, 'copy.db');
  let end: number;
  {
    await using app = await openApp(`sqlite:${file}`, {}, { fairness: 'off' });
    for (let batch = 0; batch < 6; batch += 1) {
      answered.push(await accept(app, file, batch));
      // Some of it is applied before the next ones come, some is not.
      await sleep(batch % 2 === 0 ? 150 : 5);
    }
    await passedAll(app);
    for (const each of [file, journalOf(file)]) copyOf(each, each.replace('/aerie.', '/copy.'));
    end = sizeOf(journalOf(copy));
  }
  const first = answered[0]?.bytes ?? 0;
  // Right after each answer, and anywhere else, in the middle of a page as well.
  const random = Array.from({ length: 14 }, () => first + Math.floor(Math.random() * (end - first)));
  for (const cut of [...answered.map(({ bytes }) => bytes), ...random, end]) {
    const after = join(folder, `cut-${cut}.db`);
    // Effects wait for no disk, and none is of an event that had not reached it.
    const bound = answered.findLast(({ bytes }) => bytes <= cut)?.effects ?? 0;
    copyOf(copy, after, Math.floor(Math.random() * (bound + 1)));
    copyOf(journalOf(copy), journalOf(after), cut);
    await using app = await openApp(`sqlite:${after}`);
    await passedAll(app);
    const { points, ids } = journal(journalOf(after));
    const accepted = answered.filter(({ bytes }) => bytes <= cut).flatMap((each) => each.ids);
    expect(accepted.filter((id) => !ids.has(id))).toEqual([]);
    for (const [playerId, sum] of points) expect([cut, ...(await told(app, playerId))]).toEqual([cut, sum, sum]);
  }
});
