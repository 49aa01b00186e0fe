import { leaderboardContract as leaderboard } from '../../../src/features/leaderboard/leaderboard.api';
import type { Leaderboard } from '../../../src/generated/aerie/leaderboard/v1/leaderboard';
import { received } from '../../../src/shared/remote/grpc.client';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { execute } from '../../support/statements';
import { openApp, type TestApp } from '../../support/wires';
import { counted, expected, type Points, page, play, wholeBoard } from './play';

const window = 'seasonal';
const now = (): string => new Date().toISOString();
const made: Points[] = Array.from({ length: 40 }, (_, i) => ({
  playerId: `api-player-${i % 25}`,
  points: 10 + i,
  occurredAt: now(),
}));

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  app = await openApp(database.url, {}, { fairness: 'off' });
  await play(app, made);
  await counted(app);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test.each([
  ['getLeaderboard', { window }, 'ok', 200, ''],
  ['getLeaderboard', { window, limit: 100 }, 'ok', 200, ''],
  ['getLeaderboard', { window: 'daily', key: '2020-02-29' }, 'ok', 200, ''],
  ['getLeaderboard', { window: 'daily', key: '2021-02-29' }, 'validation_failed', 400, 'key'],
  ['getLeaderboard', { window: 'weekly', key: '2026-W54' }, 'validation_failed', 400, 'key'],
  ['getLeaderboard', { window: 'weekly', key: '' }, 'ok', 200, ''],
  ['getLeaderboard', { window: 'monthly' }, 'validation_failed', 400, 'window'],
  ['getLeaderboard', {}, 'validation_failed', 400, 'window'],
  ['getLeaderboard', { window, limit: 0 }, 'validation_failed', 400, 'limit'],
  ['getLeaderboard', { window, limit: 101 }, 'validation_failed', 400, 'limit'],
  ['getLeaderboard', { window, pageToken: 'abc' }, 'page_token_invalid', 400, 'pageToken'],
  ['getPlayerRank', { window, playerId: 'api-player-3' }, 'ok', 200, ''],
  ['getPlayerRank', { window, playerId: 'api-player-3', around: 0 }, 'ok', 200, ''],
  ['getPlayerRank', { window, playerId: 'api-player-3', around: 51 }, 'validation_failed', 400, 'around'],
  ['getPlayerRank', { window, playerId: 'nobody' }, 'player_not_ranked', 404, ''],
  ['getPlayerRank', { window, playerId: 'a b' }, 'validation_failed', 400, 'playerId'],
  ['getPlayerRank', { window: 'daily', key: '2020-02-29', playerId: 'nobody' }, 'player_not_ranked', 404, ''],
  ['listSnapshots', { window: 'hourly' }, 'validation_failed', 400, 'window'],
  ['listSnapshots', { kind: 'first' }, 'validation_failed', 400, 'kind'],
  ['listSnapshots', { pageToken: 'abc' }, 'page_token_invalid', 400, 'pageToken'],
  ['listSnapshots', { window: 'weekly', key: '2026-W54' }, 'validation_failed', 400, 'key'],
  ['listSnapshots', { window: 'daily', key: '2026-W47' }, 'validation_failed', 400, 'key'],
  ['getLeaderboard', { window: 'daily', key: '9999-12-31' }, 'validation_failed', 400, 'key'],
  ['getLeaderboard', { window: 'daily', key: '9999-12-30' }, 'ok', 200, ''],
  ['getSnapshot', { id: '01KAJ0000000000000000000AA' }, 'snapshot_not_found', 404, ''],
  ['getSnapshot', { id: 'x' }, 'validation_failed', 400, 'id'],
  ['verifyLeaderboard', { window, key: 'x' }, 'validation_failed', 400, 'key'],
])('%s %j: %s over both wires', async (method, message, code, status, field) => {
  const http = await app.http.call(leaderboard, method, message);
  const grpc = await app.grpc.call(leaderboard, method, message);
  expect([http.code, http.status, grpc.code]).toEqual([code, status, code]);
  expect(grpc.body).toEqual(http.body);
  const fields = field === '' ? [] : [field];
  expect([http.fields, grpc.fields]).toEqual([fields, fields]);
});

test('a token of another window, key or list is refused; without a key its pages stay where they began', async () => {
  const first = await page(app.http, { window, limit: 5 });
  const { nextPageToken: pageToken } = first;
  for (const other of [{ window: 'daily' }, { window, key: '2026-Q1' }])
    expect((await app.http.call(leaderboard, 'getLeaderboard', { ...other, pageToken })).code).toBe(
      'page_token_invalid',
    );
  // The key that the answer named.
  expect((await page(app.http, { window, key: first.key, limit: 5, pageToken })).entries[0]?.rank).toBe(6);
  expect((await app.http.call(leaderboard, 'listSnapshots', { pageToken })).code).toBe('page_token_invalid');
  const changed = `${pageToken.slice(0, 20)}${pageToken[20] === 'A' ? 'B' : 'A'}${pageToken.slice(21)}`;
  expect((await app.http.call(leaderboard, 'getLeaderboard', { window, pageToken: changed })).code).toBe(
    'page_token_invalid',
  );
  const second = await page(app.grpc, { window, limit: 5, pageToken });
  expect([second.key, second.entries[0]?.rank]).toEqual([first.key, 6]);
});

test('outside of all seasons there is no current one, and the others go on', async () => {
  await using other = await openApp(database.url, { SEASONS: 's1:2020-01-01/2020-03-31' });
  expect((await other.http.call(leaderboard, 'getLeaderboard', { window })).code).toBe('season_not_found');
  expect((await other.grpc.call(leaderboard, 'getLeaderboard', { window })).code).toBe('season_not_found');
  expect(await page(other.http, { window, key: 's1' })).toMatchObject({
    startsAt: '2020-01-01T00:00:00.000Z',
    endsAt: '2020-04-01T00:00:00.000Z',
    state: 'closed',
    total: 0,
  });
  expect((await page(other.http, { window: 'daily' })).total).toBe(25);
});

test('verify finds what differs from the database, and repairs it', async () => {
  const verify = async () => (await app.http.call(leaderboard, 'verifyLeaderboard', { window })).body;
  expect(await verify()).toEqual({ checked: 25, differing: 0, repaired: 0 });
  const ofSeason = `window_id = (SELECT seq FROM leaderboard_windows WHERE kind = '${window}')`;
  await execute(
    database.url,
    `UPDATE leaderboard_scores SET score = 1 WHERE player_id = 'api-player-0' AND ${ofSeason}`,
    `UPDATE leaderboard_scores SET achieved_at = 5 WHERE player_id = 'api-player-1' AND ${ofSeason}`,
    `DELETE FROM leaderboard_scores WHERE player_id = 'api-player-2' AND ${ofSeason}`,
  );
  expect((await page(app.http, { window })).total).toBe(25);
  expect(await verify()).toEqual({ checked: 24, differing: 3, repaired: 3 });
  expect(await verify()).toEqual({ checked: 24, differing: 0, repaired: 0 });
  const board = await wholeBoard(app.http, { window });
  expect(board.total).toBe(24);
  expect(board.entries.at(-1)).toMatchObject({ rank: 24, playerId: 'api-player-0', score: 1 });
  expect(board.entries.find(({ playerId }) => playerId === 'api-player-1')?.achievedAt).toBe(
    '1970-01-01T00:00:00.005Z',
  );
  expect(board.entries.map(({ playerId }) => playerId)).not.toContain('api-player-2');
});

test('watching: the first page at once, then whenever it has changed; an end when the caller leaves', async () => {
  const { path, requestSerialize, responseDeserialize } = app.grpc.method(leaderboard, 'watchLeaderboard');
  const decode = responseDeserialize as (bytes: Buffer) => Leaderboard;
  const call = app.grpc.client.makeServerStreamRequest(path, requestSerialize, decode, { window: 'daily', limit: 3 });
  const watched: Leaderboard[] = [];
  for await (const board of received(call)) {
    watched.push(board);
    if (watched.length === 3) break;
    // Longer than the server's pause: nothing is told twice.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const more = { playerId: 'api-player-9', points: 1000 * watched.length, occurredAt: now() };
    made.push(more);
    await play(app, [more]);
  }
  for (const [place, board] of watched.entries())
    expect(board.entries).toEqual(expected(made.slice(0, made.length - 2 + place)).slice(0, 3));
});

test('watching something that is no board ends with the same error as asking for it', async () => {
  const { path, requestSerialize, responseDeserialize } = app.grpc.method(leaderboard, 'watchLeaderboard');
  const decode = responseDeserialize as (bytes: Buffer) => Leaderboard;
  const call = app.grpc.client.makeServerStreamRequest(path, requestSerialize, decode, { window: 'daily', key: 'x' });
  const read = async (): Promise<void> => {
    for await (const _board of received(call)) throw new Error('A board was told');
  };
  await expect(read()).rejects.toMatchObject({ code: 'validation_failed', details: { fields: [{ field: 'key' }] } });
});

test('who watches while the process stops is told to go elsewhere, and holds nothing up', async () => {
  await using other = await openApp(database.url);
  const { path, requestSerialize, responseDeserialize } = other.grpc.method(leaderboard, 'watchLeaderboard');
  const decode = responseDeserialize as (bytes: Buffer) => Leaderboard;
  const call = other.grpc.client.makeServerStreamRequest(path, requestSerialize, decode, { window });
  const seen: Leaderboard[] = [];
  const watching = (async () => {
    for await (const board of received(call)) seen.push(board);
  })();
  const ended = expect(watching).rejects.toMatchObject({ code: 'unavailable' });
  await eventually(async () => expect(seen).toHaveLength(1));
  await other[Symbol.asyncDispose]();
  await ended;
});

test('a first page is made anew as soon as the board is another: below the page, on it, and on top of it', async () => {
  const top = () => page(app.http, { window, limit: 3 });
  const before = await top();
  expect(await top()).toEqual(before);
  const changes: [string, number, (now: Leaderboard) => unknown][] = [
    ['api-newcomer', 1, ({ total }) => expect(total).toBe(before.total + 1)],
    [
      String(before.entries[2]?.playerId),
      1,
      ({ entries }) => expect(entries[2]?.score).toBe(1 + Number(before.entries[2]?.score)),
    ],
    ['api-champion', 900_000, ({ entries }) => expect(entries[0]?.playerId).toBe('api-champion')],
  ];
  for (const [playerId, points, seen] of changes) {
    await play(app, [{ playerId, points, occurredAt: now() }]);
    await eventually(async () => void seen(await top()));
  }
});
