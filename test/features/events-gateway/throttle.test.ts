import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { request } from 'undici';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { EventsGatewaySettings } from '../../../src/features/events-gateway/events-gateway.settings';
import { KeyThrottle } from '../../../src/features/events-gateway/events-gateway.throttle';
import { limitHeaders } from '../../../src/shared/contract/answer-headers';
import { fromGrpcError } from '../../../src/shared/contract/grpc.status';
import { AppError, type LimitLeft } from '../../../src/shared/errors/app-error';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { HandClock } from '../../support/hand-clock';
import { settingsOf } from '../../support/settings';
import { eventBody, type SigningOptions, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// SPEC 2: a token bucket for each signing key. Source of the headers: draft-ietf-httpapi-ratelimit-headers.

describe('a bucket', () => {
  const clock = new HandClock();

  function throttle(max: number, burst?: number): KeyThrottle {
    const environment = {
      RATE_LIMIT_MAX: String(max),
      ...(burst === undefined ? {} : { RATE_LIMIT_BURST: String(burst) }),
    };
    return new KeyThrottle(settingsOf(EventsGatewaySettings, environment), clock);
  }

  function refusal(take: () => unknown): AppError {
    try {
      take();
    } catch (error) {
      if (error instanceof AppError) return error;
    }
    throw new Error('It was not refused');
  }

  beforeEach(() => {
    clock.at = 0;
  });

  const headers = (left: readonly LimitLeft[] | undefined): Readonly<Record<string, string>> =>
    limitHeaders(left ?? []);

  test('without a limit takes everything and says nothing', () => {
    expect(throttle(0).take('a', 1_000_000)).toBeUndefined();
  });

  test('holds the burst, then refills at the rate, never beyond the burst', () => {
    const limited = throttle(10, 5);
    for (let left = 4; left >= 0; left--)
      expect(headers(limited.take('a', 1)).ratelimit).toBe(`"events";r=${left};t=1`);
    expect(refusal(() => limited.take('a', 1))).toMatchObject({ kind: 'throttled', code: 'rate_limited' });
    clock.at = 99;
    expect(refusal(() => limited.take('a', 1)).details.retryAfterMs).toBeCloseTo(1);
    clock.at = 100;
    expect(headers(limited.take('a', 1)).ratelimit).toBe('"events";r=0;t=1');
    clock.at = 3_600_000;
    for (let i = 0; i < 5; i++) limited.take('a', 1);
    refusal(() => limited.take('a', 1));
  });

  test('a refused take costs nothing', () => {
    const limited = throttle(10, 5);
    limited.take('a', 5);
    for (let i = 0; i < 100; i++) refusal(() => limited.take('a', 1));
    clock.at = 100;
    expect(limited.take('a', 1)).toBeDefined();
  });

  test('who comes back when told to is let in, whatever the fractions of the clock', () => {
    for (let start = 0.1; start < 2 ** 40; start = start * 1.7 + 0.3) {
      clock.at = start;
      const limited = throttle(7, 3);
      limited.take('a', 3);
      const { retryAfterMs = 0 } = refusal(() => limited.take('a', 2)).details;
      clock.at += retryAfterMs;
      expect(limited.take('a', 2)).toHaveLength(1);
    }
  });

  test('one key does not pay for another', () => {
    const limited = throttle(1, 1);
    limited.take('a', 1);
    expect(limited.take('b', 1)).toBeDefined();
    refusal(() => limited.take('a', 1));
  });

  test('a batch larger than the burst passes when the bucket is full, and is paid off afterwards', () => {
    const limited = throttle(10, 5);
    expect(headers(limited.take('a', 25)).ratelimit).toBe('"events";r=0;t=3');
    expect(refusal(() => limited.take('a', 1)).details.retryAfterMs).toBeCloseTo(2100);
    clock.at = 2099;
    refusal(() => limited.take('a', 1));
    clock.at = 2101;
    expect(limited.take('a', 1)).toBeDefined();
  });

  test('the policy names quota and window', () => {
    expect(headers(throttle(10, 25).take('a', 1))['ratelimit-policy']).toBe('"events";q=25;w=3');
    expect(headers(throttle(10).take('a', 1))['ratelimit-policy']).toBe('"events";q=10;w=1');
  });
});

describe('on the wire', () => {
  const other = 'a-second-key-for-the-throttle-test-suite';
  const otherKey: SigningOptions = { keyId: 'other', secret: other };
  let database: TestDatabase;
  let app: TestApp;
  let sent = 0;

  beforeEach(async () => {
    database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
    // A rate so low that nothing refills while a test runs. Numbers have no gaps here, so the last
    // one is how many have a row.
    const limits = { RATE_LIMIT_MAX: '1', RATE_LIMIT_BURST: '3', HMAC_KEYS: `other:${other}` };
    app = await openApp(database.url, { ...limits, MODULES: 'events-gateway,fairness' });
  });
  afterEach(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const rows = async () => Number((await app.http.call(gateway, 'getHead', {})).body.seq);

  /** `count` events: one alone, more as a batch. */
  function message(count = 1, key: SigningOptions = {}) {
    const ids = Array.from({ length: count }, () => `throttled-${sent++}`);
    const body = eventBody();
    return count === 1
      ? signed(ids[0] ?? '', body, key)
      : signed('batch', { events: ids.map((id) => ({ id, ...body })) }, key);
  }

  describe.each(['http', 'grpc'] as const)('%s', (wire) => {
    const single = (key?: SigningOptions) => app[wire].call(gateway, 'ingest', message(1, key));
    const batch = (count: number) => app[wire].call(gateway, 'ingestBatch', message(count));

    test('the burst is accepted, the rest refused and told when to come back; refused ones leave no row', async () => {
      const outcomes = [];
      for (let i = 0; i < 6; i++) outcomes.push(await single());
      expect(outcomes.slice(0, 3).map(({ code }) => code)).toEqual(['ok', 'ok', 'ok']);
      for (const { code, status: number, retryAfter } of outcomes.slice(3))
        expect([code, number, retryAfter]).toEqual(['rate_limited', wire === 'http' ? 429 : 8, true]);
      expect(await rows()).toBe(3);
    });

    test('each key has its own bucket', async () => {
      for (let i = 0; i < 4; i++) await single();
      expect((await single()).code).toBe('rate_limited');
      expect((await single(otherKey)).code).toBe('ok');
    });

    test('a batch is paid by its events; one larger than the burst passes once', async () => {
      expect((await batch(7)).code).toBe('ok');
      expect((await batch(2)).code).toBe('rate_limited');
      expect((await single()).code).toBe('rate_limited');
      expect(await rows()).toBe(7);
    });

    test('a forged signature empties no bucket', async () => {
      for (let i = 0; i < 10; i++)
        expect((await app[wire].call(gateway, 'ingest', { ...message(), signatures: ['0'.repeat(64)] })).code).toBe(
          'signature_invalid',
        );
      expect((await single()).code).toBe('ok');
    });
  });

  test('HTTP: Retry-After is whole seconds, RateLimit and RateLimit-Policy are on accepted and refused answers', async () => {
    const post = async () => {
      const { id, timestamp, signatures, body } = message();
      const headers = {
        'content-type': 'application/json',
        'idempotency-key': id,
        'x-signature': `t=${timestamp},v1=${signatures[0]}`,
      };
      const answer = await request(`${app.url}/events`, { method: 'POST', headers, body });
      await answer.body.dump();
      return answer;
    };
    const answers = [await post(), await post(), await post(), await post()];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 202, 202, 429]);
    for (const { headers } of answers) {
      expect(headers['ratelimit-policy']).toBe('"events";q=3;w=3');
      expect(headers.ratelimit).toMatch(/^"events";r=\d+;t=\d+$/);
    }
    expect(answers[0]?.headers['retry-after']).toBeUndefined();
    expect(Number(answers[3]?.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(String(answers[3]?.headers['retry-after'])).toMatch(/^\d+$/);
  });

  test('gRPC: RESOURCE_EXHAUSTED with RetryInfo, and the same names as trailers', async () => {
    const { path, requestSerialize, responseDeserialize } = app.grpc.method(gateway, 'ingest');
    const call = (): Promise<{ error: ServiceError | null; trailers: Metadata }> =>
      new Promise((resolve) => {
        let error: ServiceError | null = null;
        app.grpc.client
          .makeUnaryRequest(path, requestSerialize, responseDeserialize, message(), new Metadata(), (failed) => {
            error = failed;
          })
          .on('status', ({ metadata }) => setImmediate(() => resolve({ error, trailers: metadata })));
      });
    const answers = [await call(), await call(), await call(), await call()];
    for (const { trailers } of answers) {
      expect(trailers.get('ratelimit-policy')).toEqual(['"events";q=3;w=3']);
      expect(String(trailers.get('ratelimit')[0])).toMatch(/^"events";r=\d+;t=\d+$/);
    }
    const refused = answers[3]?.error;
    expect(refused?.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(refused && fromGrpcError(refused)?.details.retryAfterMs).toBeGreaterThan(0);
  });
});
