import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import type { IngestBatchResponse, IngestResult } from '../../../src/generated/aerie/events_gateway/v1/events_gateway';
import { SystemClock } from '../../../src/shared/clock/system.clock';
import { AppError } from '../../../src/shared/errors/app-error';
import { grpcClient } from '../../../src/shared/remote/grpc.client';
import { httpClient } from '../../../src/shared/remote/http.client';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// SPEC 2 and 3: who is refused, how it is told, and that a refused event leaves nothing behind.

/** Stops the clock by which a second of fairness passes; the answer lets time pass. */
function stopClock(): (ms: number) => void {
  let at = performance.now();
  jest.spyOn(SystemClock.prototype, 'monotonic').mockImplementation(() => at);
  return (ms) => {
    at += ms;
  };
}
afterEach(() => jest.restoreAllMocks());

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, { MODULES: 'events-gateway,fairness' });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const occurredAt = new Date().toISOString();
  const event = (playerId: string, deltaXp = 1) => eventBody({ playerId, occurredAt, payload: { deltaXp } });

  async function batch(events: readonly (readonly [id: string, playerId: string, deltaXp?: number])[]) {
    const items = events.map(([id, playerId, deltaXp]) => ({ id, ...event(playerId, deltaXp) }));
    const { body } = await app.http.call(gateway, 'ingestBatch', signed('batch', { events: items }));
    return (body as unknown as IngestBatchResponse).results;
  }

  const many = (playerId: string, count: number, from = 0) =>
    Array.from({ length: count }, (_, i) => [`${playerId}-${from + i}`, playerId] as const);
  const told = (results: readonly IngestResult[]) => results.map(({ status, error }) => error?.code ?? status);

  /** Numbers have no gaps here, so the last one is how many have a row. */
  const rows = async () => Number((await app.http.call(gateway, 'getHead', {})).body.seq);

  async function refusal(wire: 'http' | 'grpc', id: string, playerId: string, deltaXp = 1): Promise<AppError> {
    await using client =
      wire === 'http' ? httpClient(gateway, app.url) : grpcClient(gateway, `grpc://${app.grpcAddress}`);
    const thrown = await client.ingest(signed(id, event(playerId, deltaXp))).then(String, (error: unknown) => error);
    if (thrown instanceof AppError) return thrown;
    throw new Error(`Not refused: ${String(thrown)}`);
  }

  describe.each(['http', 'grpc'] as const)('over %s', (wire) => {
    const send = (id: string, playerId: string, deltaXp = 1) =>
      app[wire].call(gateway, 'ingest', signed(id, event(playerId, deltaXp)));

    test('the 11th event within a second is refused with a time to come back, and may succeed then', async () => {
      const playerId = `fast-${wire}`;
      const pass = stopClock();
      expect(told(await batch(many(playerId, 10)))).toEqual(new Array(10).fill('accepted'));
      const before = await rows();
      const refused = await refusal(wire, `${playerId}-late`, playerId);
      expect([refused.kind, refused.code]).toEqual(['throttled', 'player_throttled']);
      const { retryAfterMs = 0 } = refused.details;
      expect(retryAfterMs).toBe(1000);
      expect(await rows()).toBe(before);
      pass(retryAfterMs);
      expect((await send(`${playerId}-late`, playerId)).body).toMatchObject({ status: 'accepted' });
      expect(await rows()).toBe(before + 1);
    });

    test('a player who is blocked hears for how long, on both wires the same', async () => {
      const playerId = `big-${wire}`;
      const big = await refusal(wire, `${playerId}-1`, playerId, 1001);
      const small = await refusal(wire, `${playerId}-2`, playerId);
      for (const { kind, code, details } of [big, small]) {
        expect([kind, code]).toEqual(['forbidden', 'player_blocked']);
        expect(details.retryAfterMs).toBeGreaterThan(598_000);
        expect(details.retryAfterMs).toBeLessThanOrEqual(600_000);
      }
      await app.http.call(fairness, 'unblockPlayer', { playerId });
      expect((await send(`${playerId}-2`, playerId)).code).toBe('ok');
      // The rule still stands.
      expect((await send(`${playerId}-1`, playerId, 1001)).code).toBe('player_blocked');
      expect((await send(`${playerId}-1000`, `${playerId}-other`, 1000)).code).toBe('ok');
    });

    test('an event that is journaled is answered before fairness: a retry is neither counted nor blocked', async () => {
      const playerId = `again-${wire}`;
      stopClock();
      const events = many(playerId, 10);
      expect(told(await batch(events.slice(0, 9)))).toEqual(new Array(9).fill('accepted'));
      expect(told(await batch([...events.slice(0, 9), ...events.slice(0, 9)]))).toEqual(
        new Array(18).fill('duplicate'),
      );
      const last = many(playerId, 2, 9);
      expect(told(await batch(last))).toEqual(['accepted', 'player_throttled']);
      const throttled = await send(`${playerId}-0`, playerId);
      expect([throttled.code, throttled.replayed, throttled.body.status]).toEqual(['ok', true, 'duplicate']);
      await app.http.call(fairness, 'blockPlayer', { playerId, seconds: 60, reason: 'testing' });
      const blocked = await send(`${playerId}-0`, playerId);
      expect([blocked.code, blocked.replayed, blocked.body.status]).toEqual(['ok', true, 'duplicate']);
      expect((await send(`${playerId}-0`, playerId, 2)).code).toBe('idempotency_key_reused');
      expect((await send(`${playerId}-new`, playerId)).code).toBe('player_blocked');
    });
  });

  test('in a batch each event has its own answer, and neighbours of other players are accepted', async () => {
    const before = await rows();
    const results = await batch([
      ...many('crowd', 12),
      ['ace-1', 'ace', 999],
      ['cheat-1', 'cheat', 1],
      ['cheat-2', 'cheat', 100_000],
      ['cheat-3', 'cheat', 1],
      ['ace-2', 'ace', 1000],
    ]);
    expect(told(results)).toEqual([
      ...new Array(10).fill('accepted'),
      'player_throttled',
      'player_throttled',
      'accepted',
      'accepted',
      'player_blocked',
      'player_blocked',
      'accepted',
    ]);
    expect(results[10]).toEqual({
      eventId: 'crowd-10',
      status: 'rejected',
      error: { code: 'player_throttled', message: expect.any(String), retryAfterMs: expect.any(Number) },
    });
    expect(results[14]?.error?.retryAfterMs).toBe(600_000);
    expect(await rows()).toBe(before + 13);
  });

  test('one id many times in one group shares the fate of the first', async () => {
    const results = await batch([
      ['shared-a', 'shared', 1],
      ['shared-b', 'shared', 5000],
      ['shared-b', 'shared', 1],
      ['shared-a', 'shared', 1],
      ['shared-a', 'shared', 2],
    ]);
    expect(told(results)).toEqual([
      'accepted',
      'player_blocked',
      'player_blocked',
      'duplicate',
      'idempotency_key_reused',
    ]);
  });

  test('refused events are counted by their reason, and the calls to fairness by their outcome', async () => {
    await batch([['counted', 'counted', 1_000_000]]);
    const text = await (await fetch(`${app.url}/metrics`)).text();
    expect(text).toMatch(/^dropped_events_total\{reason="player_blocked"\} [1-9]/m);
    expect(text).toMatch(/^dropped_events_total\{reason="player_throttled"\} [1-9]/m);
    expect(text).toMatch(/^events_fairness_requests_total\{status="ok"\} [1-9]/m);
    expect(text).toMatch(/^events_fairness_duration_seconds_count [1-9]/m);
    expect(text).toMatch(/^fairness_check_duration_seconds_count [1-9]/m);
    expect(text).toMatch(/^fairness_decisions_total\{rule="jump",action="block",mode="enforce"\} [1-9]/m);
    expect(text).toMatch(/^fairness_decisions_total\{rule="flood",action="throttle",mode="enforce"\} [1-9]/m);
    expect(text).toMatch(/^anomaly_flags_total\{rule="jump"\} [1-9]/m);
    expect(text).not.toMatch(/fairness_\w+\{[^}]*(playerId|crowd|counted)/);
  });
});

test('what rehearses before the process is ready leaves no count behind', async () => {
  await using database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  await using app = await openApp(database.url);
  const rehearsed = Array.from({ length: 10 }, (_, i) => ({
    id: `first-${i}`,
    ...eventBody({ playerId: 'rehearsal-0' }),
  }));
  const { body } = await app.http.call(gateway, 'ingestBatch', signed('batch', { events: rehearsed }));
  const { results } = body as unknown as IngestBatchResponse;
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['accepted']));
  expect((await app.http.call(fairness, 'listFlags', {})).body.flags).toEqual([]);
});
