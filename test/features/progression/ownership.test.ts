import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { progressionContract as progression } from '../../../src/features/progression/progression.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { manyAddresses, type Player, register } from '../../support/players';
import { eventBody, signed } from '../../support/signed';
import { type Outcome, openApp, type TestApp } from '../../support/wires';

// SPEC 0, Access: a player's data is that player's; for anybody else it is not there.

const secret = 'internal-secret-number-one-for-tests';

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let owner: Player;
  let other: Player;

  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, { ...manyAddresses, INTERNAL_API_SECRET: secret });
    owner = await register(app, 'owner@example.com');
    other = await register(app, 'other@example.com');
    const payload = { bossId: 'hydra', tier: 1, points: 100 };
    const event = eventBody({ type: 'boss_kill', playerId: owner.id, payload });
    expect((await app.http.call(gateway, 'ingest', signed('owned', event))).code).toBe('ok');
    await eventually(async () => {
      // Cached from now on: for the owner, and for the operator who asks here.
      expect((await app.http.call(progression, 'getProgress', { playerId: owner.id })).code).toBe('ok');
    });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  describe.each(['http', 'grpc'] as const)('%s', (wire) => {
    const as = (headers: Record<string, string>, method: string, rest: object = {}): Promise<Outcome> =>
      app[wire].call(progression, method, { playerId: owner.id, ...rest }, headers);
    const claim = { rewardId: 'boss-hydra' };

    test('somebody else finds neither progress nor rewards, nor can claim any', async () => {
      for (const headers of [other.headers, { authorization: `Bearer ${secret}`, 'x-aerie-subject': other.id }]) {
        const progress = await as(headers, 'getProgress');
        expect([progress.code, [404, 5].includes(progress.status)]).toEqual(['player_not_found', true]);
        expect((await as(headers, 'listRewards')).code).toBe('player_not_found');
        expect((await as(headers, 'claimReward', claim)).code).toBe('reward_not_found');
        // Not to be told from somebody whom nobody knows.
        const nobody = await app[wire].call(progression, 'getProgress', { playerId: 'nobody-at-all' }, headers);
        expect(nobody.body.message).toBe(String(progress.body.message).replace(owner.id, 'nobody-at-all'));
      }
    });

    test('the owner, and another process on the owner’s behalf, have all of it', async () => {
      for (const headers of [owner.headers, { authorization: `Bearer ${secret}`, 'x-aerie-subject': owner.id }]) {
        expect((await as(headers, 'getProgress')).body).toMatchObject({ playerId: owner.id, bossKills: 1 });
        const { rewards } = (await as(headers, 'listRewards')).body as { rewards: object[] };
        expect(rewards.length).toBeGreaterThan(0);
        expect((await as(headers, 'claimReward', claim)).body).toMatchObject({ reward: { status: 'claimed' } });
      }
      expect((await as(owner.headers, 'listRewards', { playerId: owner.id, status: 'claimed' })).code).toBe('ok');
    });

    test('operators and administrators have everybody’s', async () => {
      const operators: Record<string, string>[] = [{}, { authorization: `Bearer ${secret}` }];
      for (const headers of operators) expect((await as(headers, 'getProgress')).code).toBe('ok');
    });
  });
});
