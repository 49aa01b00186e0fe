import type { QueryRunner } from 'typeorm';
import { authContract as auth } from '../../src/features/auth/auth.api';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { fairnessContract as fairness } from '../../src/features/fairness/fairness.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import { usersContract as users } from '../../src/features/users/users.api';
import type { AnyContract } from '../../src/shared/contract/contract';
import { SqliteConnection } from '../../src/shared/db/sqlite.connection';
import { everyDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { eventBody, signed } from '../support/signed';
import { openApp } from '../support/wires';

// On SQLite some commits do not wait for the disk. None of them is one that a caller was answered about.

interface Commit {
  readonly changes: readonly string[];
  readonly synced: boolean;
}

/** What each transaction of this process changes, and whether its COMMIT waits for the disk. */
function watchCommits(): Commit[] {
  const commits: Commit[] = [];
  const changes = new WeakMap<object, string[]>();
  const note = (connection: object, change: string): void => {
    changes.set(connection, [...(changes.get(connection) ?? []), change]);
  };
  const { run, append, insertRows, upsertRows } = SqliteConnection.prototype;
  const watchedAppend = async function (this: SqliteConnection, ...given: Parameters<typeof append>) {
    const base = await append.apply(this, given);
    // It commits by itself, and the level stays as it was then.
    const [level] = await this.rows<{ synchronous: number }>('PRAGMA synchronous');
    commits.push({ changes: [`INSERT INTO ${given[0].table}`], synced: level?.synchronous === 2 });
    return base;
  };
  jest.spyOn(SqliteConnection.prototype, 'append').mockImplementation(watchedAppend);
  jest.spyOn(SqliteConnection.prototype, 'insertRows').mockImplementation(function (this: SqliteConnection, ...given) {
    note(this, `INSERT INTO ${given[0].table}`);
    return insertRows.apply(this, given);
  });
  const upsert = function (this: SqliteConnection, ...given: Parameters<typeof upsertRows>) {
    note(this, `INSERT INTO ${given[0].table}`);
    // Its second argument says which rows to answer: without it the caches would never hear of the change.
    return upsertRows.apply(this, given);
  };
  jest.spyOn(SqliteConnection.prototype, 'upsertRows').mockImplementation(upsert);
  jest.spyOn(SqliteConnection.prototype, 'run').mockImplementation(async function (
    this: SqliteConnection,
    text,
    params,
  ) {
    if (text === 'COMMIT') {
      const [level] = await this.rows<{ synchronous: number }>('PRAGMA synchronous');
      commits.push({ changes: changes.get(this) ?? [], synced: level?.synchronous === 2 });
    } else note(this, text);
    return run.call(this, text, params);
  });
  // Statements of TypeORM go another way.
  const own = SqliteConnection.prototype as unknown as { limit(runner: QueryRunner): void };
  const { limit } = own;
  jest.spyOn(own, 'limit').mockImplementation(function (this: object, runner: QueryRunner) {
    limit.call(this, runner);
    const query = runner.query.bind(runner);
    runner.query = (text: string, ...rest: never[]) => {
      note(this, text.replaceAll('"', ''));
      return query(text, ...rest);
    };
  });
  return commits;
}

const email = 'synced@example.com';
const password = 'correct horse';

test('whatever a caller is told to be done was synced; what consumers do is not', async () => {
  await using database = await everyDatabase[0]!.create();
  await using app = await openApp(database.url);
  const commits = watchCommits();
  const changed = (words: string): Commit[] =>
    commits.filter(({ changes }) => changes.some((change) => change.startsWith(words)));
  const expectSynced = async (words: string, contract: AnyContract, method: string, message: object) => {
    const before = changed(words).length;
    const { code, body } = await app.http.call(contract, method, message);
    expect([method, code]).toEqual([method, 'ok']);
    expect([method, changed(words).length > before]).toEqual([method, true]);
    expect(changed(words).filter(({ synced }) => !synced)).toEqual([]);
    return body;
  };
  const kill = eventBody({ playerId: 'synced', type: 'boss_kill', payload: { bossId: 'hydra', tier: 1, points: 10 } });
  await expectSynced('INSERT INTO game_events', gateway, 'ingest', signed('one', kill));
  await expectSynced(
    'INSERT INTO game_events',
    gateway,
    'ingestBatch',
    signed('b', { events: [{ id: 'two', ...kill }] }),
  );
  await eventually(async () => {
    expect(changed('UPDATE progression_place')).not.toEqual([]);
    expect(changed('UPDATE leaderboard_place')).not.toEqual([]);
    expect((await app.http.call(progression, 'getProgress', { playerId: 'synced' })).body.xp).toBe(20);
  });
  for (const place of ['progression_place', 'leaderboard_place'])
    expect(changed(`UPDATE ${place}`).filter(({ synced }) => synced)).toEqual([]);
  const reward = { playerId: 'synced', rewardId: 'boss-hydra' };
  await expectSynced('UPDATE progression_rewards', progression, 'claimReward', reward);
  const { user } = await expectSynced('INSERT INTO auth_accounts', auth, 'register', { name: 'Ada', email, password });
  const { id } = user as { id: string };
  await expectSynced('UPDATE users', users, 'updateUser', { id, age: 36 });
  await expectSynced('DELETE FROM users', users, 'deleteUser', { id });
  const block = { playerId: 'synced', seconds: 60, reason: 'to be synced' };
  await expectSynced('INSERT INTO fairness_blocks', fairness, 'blockPlayer', block);
  await expectSynced('UPDATE fairness_rules', fairness, 'updateRule', { id: 'jump', mode: 'shadow' });
});
