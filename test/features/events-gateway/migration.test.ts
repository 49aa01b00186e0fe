import type { MigrationInterface, QueryRunner } from 'typeorm';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { features } from '../../../src/features/index';
import { leaderboardContract as leaderboard } from '../../../src/features/leaderboard/leaderboard.api';
import { progressionContract as progression } from '../../../src/features/progression/progression.api';
import type { ListDeadLettersResponse } from '../../../src/generated/aerie/events_gateway/v1/events_gateway';
import { Connection } from '../../../src/shared/db/connection';
import { Databases } from '../../../src/shared/db/databases';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { lagOf, passedAll } from '../../support/lag';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// A database of the version before: events wait for one consumer and not for the other, some were given up, and the
// inboxes say what was applied. After the migration each has its effect once.

const options = { poolMin: 0, poolMax: 4, connectTimeoutMs: 10_000, queryTimeoutMs: 10_000 };
const before = 1796200000000;
const at = Date.parse(eventBody().occurredAt as string);

const timeOf = (migration: new () => MigrationInterface): number =>
  Number(/\d+$/.exec(new migration().name ?? '')?.[0]);

/** The databases of features by their names; `until`: migrations of that time and later are not known. */
function databasesAt(urls: Readonly<Record<string, string>>, until = Number.POSITIVE_INFINITY): Databases {
  const databases = new Databases(options);
  for (const { contract, entities = [], migrations } of features) {
    const known = migrations.filter((migration) => timeOf(migration) < until);
    databases.register(contract.name, urls[contract.name] ?? urls.all ?? '', entities, known);
  }
  return databases;
}

interface OldEvent {
  readonly seq: number;
  /** Bits of the consumers that have not confirmed: 1 progression, 2 leaderboard. */
  readonly pending: number;
  /** Has the event in its inbox, though that was perhaps never confirmed. */
  readonly applied: readonly ('progression' | 'leaderboard')[];
  readonly parkedFor?: 'progression' | 'leaderboard';
}

const both = ['progression', 'leaderboard'] as const;
// Numbers were not given out without gaps, nor in the order of COMMITs.
const old: readonly OldEvent[] = [
  { seq: 1, pending: 0, applied: both },
  { seq: 2, pending: 0, applied: ['leaderboard'], parkedFor: 'progression' },
  { seq: 4, pending: 2, applied: ['progression'] },
  { seq: 5, pending: 0, applied: both },
  // Applied, and the confirmation was lost.
  { seq: 6, pending: 2, applied: both },
  { seq: 9, pending: 1, applied: ['leaderboard'] },
  { seq: 10, pending: 2, applied: ['progression'] },
  { seq: 11, pending: 0, applied: ['progression'], parkedFor: 'leaderboard' },
  { seq: 12, pending: 3, applied: [] },
  { seq: 13, pending: 0, applied: both },
];
const points = 10;

async function leaveBehind(databases: Databases): Promise<void> {
  const run = (feature: string, text: string) => databases.of(feature).transaction((tx) => tx.run(text));
  for (const { seq, pending, applied, parkedFor } of old) {
    await run(
      'events-gateway',
      `INSERT INTO game_events (seq, id, type, player_id, occurred_at, accepted_at, payload, points, trace_id, pending, send_at, sends, claim_id, group_id)
       VALUES (${seq}, 'old-${seq}', 'progression', 'old-player', ${at}, ${at}, '{"deltaXp":${points}}', ${points}, 't', ${pending}, 0, 1, 0, 0)`,
    );
    for (const consumer of applied)
      await run(consumer, `INSERT INTO ${consumer}_inbox (event_id, group_id) VALUES ('old-${seq}', 0)`);
    if (parkedFor)
      await run(
        'events-gateway',
        `INSERT INTO events_dead_letters (id, event_id, consumer, reason, type, player_id, parked_at, group_id)
         VALUES ('01KAJ00000000000000000000${parkedFor === 'progression' ? 'A' : 'B'}', 'old-${seq}', '${parkedFor}', 'poison', 'progression', 'old-player', ${at}, 0)`,
      );
  }
  const xp = points * old.filter(({ applied }) => applied.includes('progression')).length;
  await run(
    'progression',
    `INSERT INTO progression_players (player_id, xp, boss_kills, drops_claimed, version, updated_at) VALUES ('old-player', ${xp}, 0, 0, 1, ${at})`,
  );
}

/** So many events had their effect, as the two features tell it. */
async function effects(app: TestApp): Promise<[progression: number, leaderboard: number]> {
  const { body } = await app.http.call(progression, 'getProgress', { playerId: 'old-player' });
  const rank = await app.http.call(leaderboard, 'getPlayerRank', { playerId: 'old-player', window: 'seasonal' });
  // Scores of before are not there: what is counted here came after the migration.
  const scored = Number(rank.body.score ?? 0) / points;
  return [Number(body.xp) / points, scored];
}

async function carriedOver(app: TestApp): Promise<void> {
  await passedAll(app);
  // For progression 9 and 12 were pending, for the leaderboard 4, 10 and 12.
  expect(await effects(app)).toEqual([7 + 2, 3]);
  const { body } = await app.http.call(gateway, 'listDeadLetters', {});
  const letters = (body as unknown as ListDeadLettersResponse).deadLetters;
  expect(letters.map(({ consumer, eventSeq }) => [consumer, eventSeq])).toEqual([
    ['progression', 2],
    ['leaderboard', 11],
  ]);
  for (const { id } of letters) await app.http.call(gateway, 'redriveDeadLetter', { id });
  await eventually(async () =>
    expect((await app.http.call(gateway, 'listDeadLetters', {})).body.deadLetters).toEqual([]),
  );
  expect(await effects(app)).toEqual([8 + 2, 3 + 1]);
  // Numbers go on behind the last one.
  const sent = await app.http.call(
    gateway,
    'ingest',
    signed('new', eventBody({ playerId: 'old-player', payload: { deltaXp: points } })),
  );
  expect(sent.body.status).toBe('accepted');
  await passedAll(app);
  expect((await app.http.call(gateway, 'getHead', {})).body.seq).toBe(14);
  expect(await effects(app)).toEqual([11, 5]);
  expect(await lagOf(app.url, 'progression')).toBe(0);
}

/** Migrates as a process does that dies before its `step`-th change; false when there are not so many. */
async function diesBefore(step: number, url: string): Promise<boolean> {
  const own = Connection.prototype as unknown as { createRunner(): QueryRunner };
  const { createRunner } = own;
  let changes = 0;
  const spy = jest.spyOn(own, 'createRunner').mockImplementation(function (this: Connection) {
    const runner = createRunner.call(this);
    const query = runner.query.bind(runner);
    runner.query = async (text: string, ...rest: never[]) => {
      if (/^\s*(CREATE|DROP|ALTER|INSERT|UPDATE|DELETE)/i.test(text)) changes += 1;
      if (changes === step) throw new Error('The process died');
      return query(text, ...rest);
    };
    return runner;
  });
  const databases = databasesAt({ all: url });
  try {
    await databases.connectAll();
    await databases.migrateAll();
    return false;
  } catch (error) {
    expect(String(error)).toContain('The process died');
    return true;
  } finally {
    spy.mockRestore();
    await databases.closeAll();
  }
}

describe.each(everyDatabase)('$name', ({ name, create }) => {
  const opened: TestDatabase[] = [];
  const fresh = async (): Promise<string> => {
    const database = await create();
    opened.push(database);
    return database.url;
  };
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const database of opened.splice(0)) await database[Symbol.asyncDispose]();
  });

  async function prepared(urls: Readonly<Record<string, string>>): Promise<void> {
    const databases = databasesAt(urls, before);
    await databases.connectAll();
    await databases.migrateAll();
    await leaveBehind(databases);
    await databases.closeAll();
  }

  test('in one database', async () => {
    const url = await fresh();
    await prepared({ all: url });
    await using app = await openApp(url);
    await carriedOver(app);
  });

  test('where features have databases of their own', async () => {
    const [all, forProgression, forLeaderboard] = [await fresh(), await fresh(), await fresh()];
    await prepared({ all, progression: forProgression, leaderboard: forLeaderboard });
    await using app = await openApp(all, {
      PROGRESSION_DATABASE_URL: forProgression,
      LEADERBOARD_DATABASE_URL: forLeaderboard,
    });
    await carriedOver(app);
  });

  test('when the process dies before any change that it makes, again and again', async () => {
    const url = await fresh();
    await prepared({ all: url });
    let step = 1;
    while (await diesBefore(step, url)) step += 1;
    // On servers, where others may be at work, each migration stands by itself: each run comes further than the one before.
    expect(step).toBeGreaterThan(name === 'sqlite' ? 40 : 9);
    await using app = await openApp(url);
    await carriedOver(app);
  });
});
