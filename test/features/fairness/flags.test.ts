import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import type { Flag, ListFlagsResponse } from '../../../src/generated/aerie/fairness/v1/fairness';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// SPEC 3: flags with evidence, one for each rule and event, for people to review.

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url);
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const list = async (filter: object = {}): Promise<Flag[]> =>
    ((await app.http.call(fairness, 'listFlags', filter)).body as unknown as ListFlagsResponse).flags;

  /** An event that is worth more than it may be, as the only one of its player. */
  async function jump(id: string, playerId: string): Promise<void> {
    const body = eventBody({ playerId, type: 'boss_kill', payload: { bossId: 'hydra', tier: 1, points: 250_000 } });
    expect((await app.http.call(gateway, 'ingest', signed(id, body))).code).toBe('player_blocked');
  }

  test('a flag says what was seen and what is allowed, over both wires alike', async () => {
    await jump('evidence-1', 'evidence');
    const [flag, ...others] = await list({ playerId: 'evidence' });
    expect(flag).toEqual({
      id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      rule: 'jump',
      ruleVersion: 1,
      playerId: 'evidence',
      eventId: 'evidence-1',
      observed: 250_000,
      threshold: 5000,
      verdict: 'open',
      createdAt: expect.stringMatching(/Z$/),
    });
    expect(others).toEqual([]);
    const { body } = await app.grpc.call(fairness, 'listFlags', { playerId: 'evidence' });
    expect(body.flags).toEqual([flag]);
  });

  test('the same event tried again after the block has no second flag', async () => {
    await jump('unique-1', 'unique');
    for (let i = 0; i < 3; i += 1) {
      await app.http.call(fairness, 'unblockPlayer', { playerId: 'unique' });
      await jump('unique-1', 'unique');
    }
    expect(await list({ playerId: 'unique' })).toHaveLength(1);
    expect((await app.http.call(fairness, 'getPlayer', { playerId: 'unique' })).body).toMatchObject({ flags: 1 });
  });

  test('are listed newest first, page by page, also while new ones come', async () => {
    for (let i = 0; i < 12; i += 1) await jump(`page-${i}`, `page-${i}`);
    const seen: string[] = [];
    let pageToken = '';
    do {
      const { body } = await app.http.call(fairness, 'listFlags', { rule: 'jump', pageSize: 5, pageToken });
      const page = body as unknown as ListFlagsResponse;
      seen.push(...page.flags.map(({ eventId }) => eventId));
      pageToken = page.nextPageToken;
      await jump(`later-${seen.length}`, `later-${seen.length}`);
    } while (pageToken !== '' && seen.length < 12);
    expect(seen.slice(0, 12)).toEqual(Array.from({ length: 12 }, (_, i) => `page-${11 - i}`));
    const { body } = await app.http.call(fairness, 'listFlags', { pageSize: 5 });
    const stolen = (body as unknown as ListFlagsResponse).nextPageToken;
    expect((await app.http.call(fairness, 'listFlags', { rule: 'jump', pageSize: 5, pageToken: stolen })).code).toBe(
      'page_token_invalid',
    );
  });

  test('a review is kept and may be made again; lists are filtered by it', async () => {
    await jump('review-1', 'reviewed');
    const [flag] = await list({ playerId: 'reviewed' });
    for (const verdict of ['false_positive', 'confirmed']) {
      const { body } = await app.http.call(fairness, 'reviewFlag', { id: flag?.id, verdict });
      expect(body).toEqual({ ...flag, verdict, reviewedAt: expect.stringMatching(/Z$/) });
      expect(await list({ playerId: 'reviewed' })).toEqual([body]);
    }
    const ids = async (filter: object) =>
      (await list({ playerId: 'reviewed', ...filter })).map(({ eventId }) => eventId);
    expect(await ids({ verdict: 'confirmed' })).toEqual(['review-1']);
    expect(await ids({ verdict: 'open' })).toEqual([]);
    expect(await ids({ rule: 'jump', verdict: 'confirmed' })).toEqual(['review-1']);
    expect(await ids({ rule: 'flood' })).toEqual([]);
  });

  test('one appears soon for an accepted event that is not like its player', async () => {
    const playerId = 'outlier';
    const worth = [100, 102, 98, 101, 99, 100, 103, 97, 100, 100];
    const post = async (i: number, deltaXp: number) => {
      const body = eventBody({ playerId, payload: { deltaXp } });
      expect((await app.http.call(gateway, 'ingest', signed(`outlier-${i}`, body))).code).toBe('ok');
    };
    await app.http.call(fairness, 'updateRule', { id: 'flood', mode: 'off' });
    for (const [i, points] of worth.entries()) await post(i, points);
    // The relay sends in groups, in order of acceptance.
    await post(10, 900);
    await app.http.call(fairness, 'updateRule', { id: 'flood', mode: 'enforce' });
    await eventually(async () => {
      expect(await list({ playerId, rule: 'outlier' })).toEqual([
        expect.objectContaining({ rule: 'outlier', eventId: 'outlier-10', threshold: 3.5, verdict: 'open' }),
      ]);
    });
    const mean = worth.reduce((sum, one) => sum + one, 0) / worth.length;
    const deviation = Math.sqrt(worth.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (worth.length - 1));
    const [flag] = await list({ playerId, rule: 'outlier' });
    expect(flag?.observed).toBeCloseTo((900 - mean) / deviation, 3);
    // It is a flag and no more: the player is free.
    expect((await app.http.call(fairness, 'getPlayer', { playerId })).body).toMatchObject({ blocked: false, flags: 1 });
  });
});
