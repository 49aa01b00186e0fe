import { createHash } from 'node:crypto';
import { request } from 'undici';
import { leaderboardContract as leaderboard } from '../../../src/features/leaderboard/leaderboard.api';
import { LeaderboardService } from '../../../src/features/leaderboard/leaderboard.service';
import type { Snapshot } from '../../../src/generated/aerie/leaderboard/v1/leaderboard';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { TimeTravel } from '../../support/time-travel';
import { openApp, type TestApp } from '../../support/wires';
import { counted, play } from './play';

// Boards are what most of a game's clients ask for most of the time: what has not changed is not sent again.

const day = '2026-11-18';
const open = 'public, no-cache';
const final = 'public, max-age=86400, immutable';

let travel: TimeTravel;
let database: TestDatabase;
let app: TestApp;
let snapshot: Snapshot;

const at = (occurredAt: string) => (playerId: string, i: number) => ({ playerId, points: i + 5, occurredAt });

beforeAll(async () => {
  travel = new TimeTravel('2026-11-18T23:56:00.000Z');
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  {
    await using before = await openApp(database.url);
    await play(before, ['one', 'two', 'three'].map(at(`${day}T20:00:00.000Z`)));
    await counted(before);
  }
  travel.to('2026-11-20T08:00:00.000Z');
  app = await openApp(database.url);
  await play(app, ['one', 'two', 'three'].map(at('2026-11-20T07:00:00.000Z')));
  await counted(app);
  await eventually(async () => {
    const { body } = await app.http.call(leaderboard, 'listSnapshots', { window: 'daily', key: day, kind: 'final' });
    [snapshot] = body.snapshots as [Snapshot];
    expect(snapshot).toMatchObject({ total: 3 });
  });
  // No other snapshot is due while the tests run.
  await eventually(async () => {
    const { body } = await app.http.call(leaderboard, 'listSnapshots', { kind: 'periodic' });
    const since = (body.snapshots as Snapshot[]).filter(({ takenAt }) => takenAt > '2026-11-20T08:00');
    expect(since.map(({ window }) => window).sort()).toEqual(['daily', 'seasonal', 'weekly']);
  });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  travel[Symbol.dispose]();
});

async function get(path: string, headers: Record<string, string> = {}) {
  const { statusCode, headers: told, body } = await request(`${app.url}${path}`, { headers });
  return { status: statusCode, etag: String(told.etag), cache: told['cache-control'], text: await body.text() };
}

test.each([
  ['/leaderboard?window=daily', open],
  ['/leaderboard?window=daily&limit=2', open],
  ['/leaderboard?window=weekly&key=2026-W47', open],
  // Over, and nobody ever had a score: what happened then may still be on its way.
  ['/leaderboard?window=daily&key=2026-11-01', open],
  [`/leaderboard?window=daily&key=${day}`, final],
  ['/leaderboard/players/one?window=daily', open],
  [`/leaderboard/players/one?window=daily&key=${day}`, final],
  ['/leaderboard/snapshots', open],
  [`/leaderboard/snapshots?window=daily&key=${day}`, open],
  ['/leaderboard/snapshots/:id', final],
  ['/leaderboard/snapshots/:id?limit=1', final],
])('%s: an ETag, and %s; 304 to whoever has it', async (template, cache) => {
  const path = template.replace(':id', snapshot.id);
  const first = await get(path);
  expect(first).toMatchObject({ status: 200, cache, etag: expect.stringMatching(/^"[A-Za-z0-9_-]{22}"$/) });
  expect(await get(path)).toEqual(first);
  for (const known of [first.etag, `W/${first.etag}`, `"other", ${first.etag}`, '*'])
    expect(await get(path, { 'if-none-match': known })).toEqual({ ...first, status: 304, text: '' });
  expect(await get(path, { 'if-none-match': '"other"' })).toEqual(first);
});

test('the next page of a closed board is final, also where its token alone names the board', async () => {
  const { text } = await get(`/leaderboard?window=daily&key=${day}&limit=1`);
  const { nextPageToken } = JSON.parse(text) as { nextPageToken: string };
  expect(await get(`/leaderboard?window=daily&limit=1&pageToken=${nextPageToken}`)).toMatchObject({ cache: final });
});

test('the ETag is another one when the board is, and errors have none', async () => {
  const path = '/leaderboard/players/one?window=daily';
  const before = await get(path);
  await play(app, [{ playerId: 'one', points: 1000, occurredAt: '2026-11-20T07:30:00.000Z' }]);
  await counted(app);
  const after = await get(path, { 'if-none-match': before.etag });
  expect([after.status, after.etag === before.etag]).toEqual([200, false]);
  expect(await get('/leaderboard/players/nobody?window=daily')).toMatchObject({
    status: 404,
    etag: 'undefined',
    cache: undefined,
  });
});

test('another process gives the same ETag, and gRPC has both in its trailers', async () => {
  await using other = await openApp(database.url);
  const here = await get(`/leaderboard?window=daily&key=${day}`);
  const there = await request(`${other.url}/leaderboard?window=daily&key=${day}`);
  await there.body.dump();
  expect(there.headers.etag).toBe(here.etag);
  const { path, requestSerialize, responseDeserialize } = app.grpc.method(leaderboard, 'getLeaderboard');
  const trailers = await new Promise<Record<string, unknown>>((resolve) => {
    app.grpc.client
      .makeUnaryRequest(path, requestSerialize, responseDeserialize, { window: 'daily', key: day }, () => undefined)
      .on('status', ({ metadata }) => resolve(metadata.getMap()));
  });
  expect(trailers).toMatchObject({ etag: here.etag, 'cache-control': final });
});

test('an answer’s bytes are made once for each first page, follow every change, and are what its ETag is made of', async () => {
  const paths = [
    '/leaderboard?window=daily',
    '/leaderboard?window=daily&limit=1',
    '/leaderboard?window=daily&key=2026-11-20',
  ];
  const toLeaderboard = jest.spyOn(
    LeaderboardService.prototype as unknown as { toLeaderboard(): unknown },
    'toLeaderboard',
  );
  const totals: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    for (const path of paths) {
      const answers = [await get(path), await get(path), await get(path)];
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      const { text, etag } = answers[0] as (typeof answers)[number];
      const board = JSON.parse(text) as { total: number };
      expect(text).toBe(JSON.stringify(board));
      expect(etag).toBe(`"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`);
      const { body } = await app.grpc.call(leaderboard, 'getLeaderboard', {
        window: 'daily',
        ...(path.includes('limit') ? { limit: 1 } : {}),
      });
      expect(body).toEqual(board);
      totals.push(board.total);
    }
    await play(app, [{ playerId: `new-${round}`, points: 100, occurredAt: '2026-11-20T07:40:00.000Z' }]);
    await counted(app);
  }
  expect(totals).toEqual([3, 3, 3, 4, 4, 4, 5, 5, 5]);
  // Two sizes in three rounds; naming the current window says the same.
  expect(toLeaderboard).toHaveBeenCalledTimes(6);
  toLeaderboard.mockRestore();
});
