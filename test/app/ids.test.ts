import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { fairnessContract as fairness } from '../../src/features/fairness/fairness.api';
import { leaderboardContract as leaderboard } from '../../src/features/leaderboard/leaderboard.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import { usersContract as users } from '../../src/features/users/users.api';
import { everyDatabase, type TestDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { eventBody, signed } from '../support/signed';
import { openApp, type TestApp } from '../support/wires';

// Ids as platforms and games have them, in bodies, paths and columns; and those that nobody has.

const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('');
const longestKey = (first: string): string => `${(first + printable.repeat(3)).slice(0, 254)}~`;
const players = [
  ['Game Center', 'T:_8e3f21c0a7'],
  ['Auth0', 'auth0|5f7c8ec7c33c6c004bbafe82'],
  ['Cognito', 'us-east-1:6f2f3c4d-0b1e-4f0a-9a3e-1c2d3e4f5a6b'],
  ['Apple', '001234.0123456789abcdef0123456789abcdef.0123'],
  ['an e-mail address', 'ada.lovelace+test@example.com'],
  ['base64', 'c29tZWJvZHk='],
  ['one letter', 'a'],
  ['the same letter, large', 'A'],
  ['dots', 'a..b'],
  ['128 characters', 'p|'.repeat(64)],
] as const;
const items = ['raid/2026#final', 'boss:hydra.v2', 'a', 'A', '#', '/../', 'i/'.repeat(64)];
const refused = [
  ['a space', 'a b'],
  ['a slash', 'a/b'],
  ['a hash', 'a#b'],
  ['a percent sign', 'a%2eb'],
  ['129 characters', 'x'.repeat(129)],
  ['300 characters', 'x'.repeat(300)],
  ['an accent', 'é'],
  ['full width', '\uFF41bc'],
  ['a zero-width space', 'a\u200Bb'],
  ['a quote', "a'b"],
  ['a backslash', 'a\\b'],
  ['a line feed at the end', 'abc\n'],
] as const;

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, {}, { fairness: 'off' });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const kill = (playerId: string, bossId: string) =>
    eventBody({ type: 'boss_kill', playerId, payload: { bossId, tier: 1, points: 10 } });

  describe.each(['http', 'grpc'] as const)('%s', (wire) => {
    test.each(players)('a player of %s is found wherever players are: %s', async (what, playerId) => {
      const call = (contract: Parameters<TestApp['http']['call']>[0], method: string, message: object) =>
        app[wire].call(contract, method, message);
      const bossId = `${wire}/${what.replace(/[^a-z]/gi, '.')}#1`;
      expect((await app[wire].call(gateway, 'ingest', signed(`${wire} ${what}`, kill(playerId, bossId)))).code).toBe(
        'ok',
      );
      const rewardId = `boss-${bossId}`;
      await eventually(async () =>
        expect((await call(progression, 'claimReward', { playerId, rewardId })).body).toMatchObject({
          reward: { playerId, rewardId, status: 'claimed' },
        }),
      );
      expect((await call(progression, 'getProgress', { playerId })).body).toMatchObject({ playerId });
      expect((await call(progression, 'listRewards', { playerId, pageSize: 1 })).code).toBe('ok');
      await eventually(async () =>
        expect((await call(leaderboard, 'getPlayerRank', { window: 'daily', playerId })).body).toMatchObject({
          playerId,
        }),
      );
      const block = await call(fairness, 'blockPlayer', { playerId, seconds: 1, reason: 'test' });
      expect(block.body).toMatchObject({ playerId, blocked: true });
      expect((await call(fairness, 'getPlayer', { playerId })).body).toMatchObject({ playerId, blocked: true });
      expect((await call(fairness, 'unblockPlayer', { playerId })).body).toMatchObject({ playerId, blocked: false });
    });

    test.each(refused)('nobody is called %s', async (_what, playerId) => {
      for (const [contract, method, extra] of [
        [progression, 'getProgress', {}],
        [progression, 'claimReward', { rewardId: 'boss-x' }],
        [leaderboard, 'getPlayerRank', { window: 'daily' }],
        [fairness, 'getPlayer', {}],
        [fairness, 'check', undefined],
      ] as const) {
        const message = extra
          ? { playerId, ...extra }
          : { events: [{ eventId: 'e', type: 'boss_kill', playerId, points: 1 }] };
        const { code, fields } = await app[wire].call(contract, method, message);
        expect([method, code, fields]).toEqual([
          method,
          'validation_failed',
          [extra ? 'playerId' : 'events[0].playerId'],
        ]);
      }
      const event = await app[wire].call(gateway, 'ingest', signed('refused', eventBody({ playerId })));
      expect([event.code, event.fields]).toEqual(['validation_failed', ['playerId']]);
    });

    test.each(['.', '..'])('nobody is called %s: a URL would lose it', async (playerId) => {
      const event = await app[wire].call(gateway, 'ingest', signed('dots', eventBody({ playerId })));
      expect([event.code, event.fields]).toEqual(['validation_failed', ['playerId']]);
      const { code, fields } = await app.grpc.call(progression, 'getProgress', { playerId });
      expect([code, fields]).toEqual(['validation_failed', ['playerId']]);
    });

    test('every item has its reward, under its own name', async () => {
      const playerId = `collector-${wire}`;
      const events = items.flatMap((item, i) => [
        { ...kill(playerId, item), id: `${wire} kill ${i}` },
        {
          ...eventBody({ type: 'drop_claimed', playerId, payload: { dropId: item, weight: 1, source: item } }),
          id: `${wire} drop ${i}`,
        },
        { ...eventBody({ playerId, payload: { deltaXp: 1, activity: item } }), id: `${wire} xp ${i}` },
      ]);
      const { body } = await app[wire].call(gateway, 'ingestBatch', signed(`${wire} items`, { events }));
      expect(new Set((body.results as { status: string }[]).map(({ status }) => status))).toEqual(
        new Set(['accepted']),
      );
      await eventually(async () => {
        const list = await app[wire].call(progression, 'listRewards', { playerId, pageSize: 100 });
        const ids = (list.body.rewards as { rewardId: string }[]).map(({ rewardId }) => rewardId);
        expect(ids.sort()).toEqual(items.flatMap((item) => [`boss-${item}`, `drop-${item}`]).sort());
      });
    });

    test.each([129, 300])('an item of %i characters, or with a space, is refused', async (length) => {
      for (const bossId of ['x'.repeat(length), 'a b', 'é', 'a%b']) {
        const { code, fields } = await app[wire].call(gateway, 'ingest', signed('item', kill('ada', bossId)));
        expect([code, fields]).toEqual(['validation_failed', ['payload.bossId']]);
      }
    });

    test.each([longestKey(wire), `${wire}"quoted"\\`, `${wire}: a, b; c=(1)`, `${wire}-1`])(
      'an event is known by the key %j, bare, quoted and in a batch',
      async (id) => {
        const event = eventBody({ playerId: 'keys' });
        const message = signed(id, event);
        const first = await app[wire].call(gateway, 'ingest', message);
        expect([first.code, first.body]).toEqual(['ok', { eventId: id, status: 'accepted' }]);
        const again = await app.http.call(gateway, 'ingest', message, {
          'idempotency-key': `"${id.replace(/["\\]/g, '\\$&')}"`,
        });
        expect(again.body).toEqual({ eventId: id, status: 'duplicate' });
        const batch = signed(`batch ${id}`.slice(0, 255), { events: [{ ...event, id }] });
        const { body } = await app.grpc.call(gateway, 'ingestBatch', batch);
        expect(body.results).toEqual([{ eventId: id, status: 'duplicate' }]);
      },
    );

    test.each([longestKey(wire), `${wire}'s key`])('a call is known by the key %j, bare and quoted', async (key) => {
      const person = { name: 'Ada', email: `k${key.length}-${wire}@example.com` };
      const create = (sent: string) => app[wire].call(users, 'createUser', person, { 'idempotency-key': sent });
      const first = await create(key);
      const again = await create(`"${key.replace(/["\\]/g, '\\$&')}"`);
      expect([first.code, again.code, again.replayed, again.body]).toEqual(['ok', 'ok', true, first.body]);
    });

    test.each(['x'.repeat(256), 'é', '\u007F', 'a\tb', '"', '"open', '"a"b', '"a\\b"'])(
      'the key %j is refused',
      async (key) => {
        const create = await app.http
          .call(users, 'createUser', { name: 'A', email: 'no@example.com' }, { 'idempotency-key': key })
          .catch(() => undefined);
        if (create) expect([create.code, create.fields]).toEqual(['validation_failed', ['Idempotency-Key']]);
        if (key.startsWith('"')) return;
        const event = await app.grpc.call(gateway, 'ingest', signed(key, eventBody()));
        expect([event.code, event.fields]).toEqual(['validation_failed', ['id']]);
      },
    );
  });

  test('a path with what its template has not', async () => {
    for (const path of [
      '/players/a%2Fb/progress',
      '/players/a%00b/progress',
      '/players/%20/progress',
      `/players/${'%41'.repeat(129)}/progress`,
    ]) {
      const { status, fields } = await app.http.send('GET', path, {});
      expect([path, status, fields]).toEqual([path, 400, ['playerId']]);
    }
    expect((await app.http.send('GET', `/players/${'%41'.repeat(128)}/progress`, {})).code).toBe('player_not_found');
  });
});
