import { AerieClient } from '../../src/client/client';
import { developmentSecret, Signer } from '../../src/client/signer';
import { factsOf } from '../../src/shared/contract/answer';
import { AppError } from '../../src/shared/errors/app-error';
import { type AppProcess, startApp } from '../support/app';
import { pointsOf, randomEvent, randomEvents, type WholeEvent } from '../support/events';
import { refuseNobody } from '../support/fairness';
import { passedAll } from '../support/lag';
import { freezeFamily } from '../support/processes';
import { signed } from '../support/signed';

const secret = developmentSecret;
const internalSecret = 'an-internal-secret-of-32-bytes-or-more';
const ulidOfNothing = '01M7YWEW53S2ZGJN43T38Z0ZT9';

async function error(call: Promise<unknown>): Promise<AppError> {
  const thrown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(thrown instanceof AppError)) throw new Error(`No AppError, but ${String(thrown)}`);
  return thrown;
}

function xpByPlayer(events: readonly WholeEvent[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const event of events) sums[event.playerId] = (sums[event.playerId] ?? 0) + pointsOf(event);
  return sums;
}

// Signed once: the error repeats when that was.
const wrongly = signed('e-1', {}, { secret: 'x' });

describe('against the real application', () => {
  let app: AppProcess;

  beforeAll(async () => {
    app = await startApp({ env: { INTERNAL_API_SECRET: internalSecret, AUTH_REQUIRED: 'true' } });
    await refuseNobody(app.url, internalSecret);
  });

  afterAll(() => app[Symbol.asyncDispose]());

  const open = (wire: string, bearer: string | undefined = internalSecret): AerieClient =>
    new AerieClient({ url: wire === 'http' ? app.url : app.grpcUrl, key: { secret }, bearer });

  describe.each(['http', 'grpc'])('over %s', (wire) => {
    it('sends events, reads progress, claims once and verifies', async () => {
      await using client = open(wire);
      const playerId = `hero-${wire}`;
      const kill = {
        id: `kill-${wire}`,
        playerId,
        type: 'boss_kill',
        payload: { bossId: 'hydra', tier: 3, points: 700 },
      } as const;
      const first = { ...kill, occurredAt: new Date().toISOString() };
      expect(await client.sendEvent(first)).toEqual({ eventId: kill.id, status: 'accepted' });
      const again = await client.sendEvent(first);
      expect(again).toEqual({ eventId: kill.id, status: 'duplicate' });
      expect(factsOf(again).replayed).toBe('effect');
      const { results } = await client.sendBatch([first, { playerId, type: 'progression', payload: { deltaXp: 50 } }]);
      expect(results.map(({ status }) => status)).toEqual(['duplicate', 'accepted']);
      await passedAll(app);
      expect(await client.progression.getProgress({ playerId })).toMatchObject({ xp: 750, level: 1, bossKills: 1 });
      const { rewards } = await client.progression.listRewards({ playerId, status: 'available' });
      expect(rewards.map(({ rewardId }) => rewardId)).toEqual(['boss-hydra']);
      const claimed = await client.progression.claimReward({ playerId, rewardId: 'boss-hydra' });
      const replayed = await client.progression.claimReward({ playerId, rewardId: 'boss-hydra' });
      expect(replayed.receipt).toBe(claimed.receipt);
      expect([factsOf(claimed).replayed, factsOf(replayed).replayed]).toEqual([undefined, 'effect']);
      expect(await client.progression.verifyReward({ receipt: claimed.receipt })).toMatchObject({
        valid: true,
        claims: { sub: playerId },
      });
    });
  });

  const failures: [string, (client: AerieClient) => Promise<unknown>, string][] = [
    ['an unknown player', (client) => client.progression.getProgress({ playerId: 'nobody' }), 'player_not_found'],
    ['an impossible id', (client) => client.progression.getProgress({ playerId: 'a b/c?d' }), 'validation_failed'],
    ['a dot as an id', (client) => client.progression.getProgress({ playerId: '..' }), 'validation_failed'],
    [
      'an unknown status',
      (client) => client.progression.listRewards({ playerId: 'abc', status: 'lost' }),
      'validation_failed',
    ],
    [
      'a page size out of range',
      (client) => client.progression.listRewards({ playerId: 'abc', pageSize: 101 }),
      'validation_failed',
    ],
    [
      'a page token of nobody',
      (client) => client.progression.listRewards({ playerId: 'abc', pageToken: 'AAAA' }),
      'page_token_invalid',
    ],
    [
      'an unknown reward',
      (client) => client.progression.claimReward({ playerId: 'abc', rewardId: 'boss-x' }),
      'reward_not_found',
    ],
    ['an empty receipt', (client) => client.progression.verifyReward({ receipt: '' }), 'validation_failed'],
    [
      'an unknown dead letter',
      (client) => client.events.redriveDeadLetter({ id: ulidOfNothing }),
      'dead_letter_not_found',
    ],
    ['an unknown consumer', (client) => client.events.getHead({ consumer: 'nobody' }), 'validation_failed'],
    ['a wrong signature', (client) => client.events.ingest(wrongly), 'signature_invalid'],
    [
      'an old event',
      (client) =>
        client.sendEvent({
          playerId: 'abc',
          occurredAt: '2020-01-01T00:00:00.000Z',
          type: 'progression',
          payload: { deltaXp: 1 },
        }),
      'occurred_at_out_of_range',
    ],
    ['an empty batch', (client) => client.sendBatch([]), 'validation_failed'],
  ];

  it.each(failures)('%s is the same error on both wires', async (_name, call, code) => {
    await using overHttp = open('http');
    await using overGrpc = open('grpc');
    const [a, b] = [await error(call(overHttp)), await error(call(overGrpc))];
    expect(a.code).toBe(code);
    expect([b.kind, b.code, b.message, b.details.fields]).toEqual([a.kind, a.code, a.message, a.details.fields]);
  });

  it.each(['http', 'grpc'])('a missing or wrong bearer secret is token_invalid over %s', async (wire) => {
    for (const bearer of [undefined, 'wrong']) {
      const client = new AerieClient({ url: wire === 'http' ? app.url : app.grpcUrl, key: { secret }, bearer });
      expect((await error(client.progression.getProgress({ playerId: 'abc' }))).code).toBe('token_invalid');
      await client[Symbol.asyncDispose]();
    }
  });

  it.each(['http', 'grpc'])('takes Standard Webhooks signatures over %s', async (wire) => {
    await using client = open(wire);
    const body = {
      type: 'progression',
      playerId: 'hooked',
      occurredAt: new Date().toISOString(),
      payload: { deltaXp: 1 },
    };
    const answer = await client.events.ingest(signed(`hook-${wire}`, body, { spelling: 'webhook' }));
    expect(answer.status).toBe('accepted');
  });
});

describe('a stream', () => {
  it('answers each event in order, and all of them count', async () => {
    await using app = await startApp();
    await refuseNobody(app.url);
    await using client = new AerieClient({ url: app.grpcUrl, key: { secret } });
    const events = randomEvents(2500, 7);
    const stream = client.openStream();
    const answers: Promise<{ eventId: string; status: string }>[] = [];
    for (const event of events) {
      await stream.ready;
      answers.push(stream.send(event));
    }
    await stream.close();
    const results = await Promise.all(answers);
    expect(results.map(({ eventId }) => eventId)).toEqual(events.map(({ id }) => id));
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['accepted']));
    await passedAll(app);
    for (const [playerId, xp] of Object.entries(xpByPlayer(events))) {
      expect((await client.progression.getProgress({ playerId })).xp).toBe(xp);
    }
  });

  it('rejects what was not answered when the server dies, and all that follows', async () => {
    await using app = await startApp();
    await refuseNobody(app.url);
    await using client = new AerieClient({ url: app.grpcUrl, key: { secret } });
    const stream = client.openStream();
    expect((await stream.send(randomEvent())).status).toBe('accepted');
    freezeFamily(app.pid);
    const unanswered = [error(stream.send(randomEvent())), error(stream.send(randomEvent()))];
    await new Promise((resolve) => setTimeout(resolve, 50));
    await app.kill('SIGKILL');
    expect((await Promise.all(unanswered)).map(({ kind }) => kind)).toEqual(['unavailable', 'unavailable']);
    expect((await error(stream.send(randomEvent()))).kind).toBe('unavailable');
    await stream.close();
  });

  it('takes a server that answers nothing for gone', async () => {
    await using app = await startApp();
    await refuseNobody(app.url);
    await using client = new AerieClient({ url: app.grpcUrl, key: { secret }, deadlineMs: 3000 });
    const stream = client.openStream();
    expect((await stream.send(randomEvent())).status).toBe('accepted');
    freezeFamily(app.pid);
    expect((await error(stream.send(randomEvent()))).kind).toBe('deadline');
    await stream.close();
  });

  it('is for gRPC only', async () => {
    await using client = new AerieClient({ url: 'http://127.0.0.1:1', key: { secret } });
    expect(() => client.openStream()).toThrow('url: must be grpc://host:port for a stream');
  });
});

it('signs as the independent signer does, also with a whsec_ secret', () => {
  const bytes = Buffer.alloc(32, 7);
  const body = { playerId: 'näme' };
  expect(new Signer({ secret }).sign('e-1', body, 1_800_000_000)).toEqual(
    signed('e-1', body, { keyId: 'default', timestamp: 1_800_000_000 }),
  );
  const webhook = new Signer({ kid: 'k2', secret: `whsec_${bytes.toString('base64')}` });
  expect(webhook.sign('e-1', body, 1_800_000_000)).toEqual(
    signed('e-1', body, { secret: bytes, keyId: 'k2', timestamp: 1_800_000_000 }),
  );
});
