import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import type { DeadLetter, ReadEventsResponse } from '../../../src/generated/aerie/events_gateway/v1/events_gateway';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// SPEC 2: the log as consumers and administrators read it, and the letters of what was given up. No consumer runs here.

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, { MODULES: 'events-gateway,fairness' });
    const kill = { type: 'boss_kill', payload: { bossId: 'hydra', tier: 1, points: 10 } };
    const events = Array.from({ length: 9 }, (_, i) => ({ id: `l-${i + 1}`, ...eventBody(i === 0 ? kill : {}) }));
    await app.http.call(gateway, 'ingestBatch', signed('batch', { events }));
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const call = async (wire: 'http' | 'grpc', method: string, message: object) => {
    const { code, body } = await app[wire].call(gateway, method, message);
    return { code, body };
  };
  const read = async (message: object) => {
    const [http, grpc] = [await call('http', 'readEvents', message), await call('grpc', 'readEvents', message)];
    expect(grpc).toEqual(http);
    return { code: http.code, ...(http.body as unknown as ReadEventsResponse) };
  };
  const seqs = ({ events }: ReadEventsResponse): number[] => events.map(({ seq }) => seq);

  test('whoever reads on from where he was gets every event once, in order', async () => {
    const first = await read({ afterSeq: 0, limit: 4 });
    expect([seqs(first), first.upTo]).toEqual([[1, 2, 3, 4], 4]);
    expect(first.events[0]).toMatchObject({ id: 'l-1', type: 'boss_kill', bossId: 'hydra', points: 10, seq: 1 });
    const next = await read({ afterSeq: 4, afterId: 'l-4' });
    expect([seqs(next), next.upTo]).toEqual([[5, 6, 7, 8, 9], 9]);
    const none = await read({ afterSeq: 9, afterId: 'l-9' });
    expect([seqs(none), none.upTo, none.redriven]).toEqual([[], 9, []]);
  });

  test('a place that the journal does not have is refused; without its id nobody can tell', async () => {
    for (const place of [
      { afterSeq: 4, afterId: 'l-5' },
      { afterSeq: 10, afterId: 'l-10' },
    ])
      expect((await read(place)).code).toBe('journal_mismatch');
    expect(seqs(await read({ afterSeq: 7 }))).toEqual([8, 9]);
  });

  test('beyond the end nothing is answered for, and who only looks on has come nowhere', async () => {
    const beyond = await read({ afterSeq: 99_999_999, consumer: 'leaderboard' });
    expect([seqs(beyond), beyond.upTo]).toEqual([[], 9]);
    expect((await call('http', 'getHead', { consumer: 'leaderboard' })).body).not.toHaveProperty('passed');
  });

  test('the head is the last event; a consumer that was never there begins before the first', async () => {
    const { body } = await call('grpc', 'getHead', { consumer: 'progression' });
    expect(body).toMatchObject({ seq: 9, start: { afterSeq: 0, afterId: '', inboxUpTo: 0 } });
    expect(Date.parse(String(body.acceptedAt))).not.toBeNaN();
    expect((await call('http', 'getHead', {})).body).toEqual({ seq: 9, acceptedAt: body.acceptedAt });
  });

  test('a letter: parked once, redriven to its consumer until that is settled, given up again or gone', async () => {
    const given = { eventId: 'l-3', consumer: 'progression', reason: 'poison' };
    const { body: parked } = await call('http', 'parkEvent', given);
    expect((await call('grpc', 'parkEvent', { ...given, reason: 'other' })).body).toEqual(parked);
    const { id } = parked as unknown as DeadLetter;
    expect(parked).toMatchObject({ eventSeq: 3, reason: 'poison' });
    const redrivenTo = async (consumer: string) => (await read({ afterSeq: 9, consumer })).redriven;
    expect(await redrivenTo('progression')).toEqual([]);
    // Nobody can have tried it.
    await call('http', 'settleDeadLetter', { id, outcome: 'applied' });
    const { body: marked } = await call('http', 'redriveDeadLetter', { id });
    expect((await call('grpc', 'redriveDeadLetter', { id })).body).toEqual(marked);
    expect(await redrivenTo('progression')).toMatchObject([{ deadLetterId: id, event: { id: 'l-3', seq: 3 } }]);
    expect(await redrivenTo('leaderboard')).toEqual([]);
    await call('grpc', 'settleDeadLetter', { id, outcome: 'failed', reason: 'poison still' });
    expect(await redrivenTo('progression')).toEqual([]);
    const { body } = await call('http', 'listDeadLetters', {});
    expect(body.deadLetters).toEqual([{ ...parked, reason: 'poison still' }]);
    await call('http', 'redriveDeadLetter', { id });
    await call('grpc', 'settleDeadLetter', { id, outcome: 'applied' });
    expect((await call('http', 'listDeadLetters', {})).body.deadLetters).toEqual([]);
    expect((await call('http', 'settleDeadLetter', { id, outcome: 'applied' })).code).toBe('dead_letter_not_found');
  });

  test('what is read a second time is what is there now, and no less is asked of who reads it', async () => {
    const id = 'undefined';
    expect((await app.http.call(gateway, 'ingest', signed(id, eventBody()))).code).toBe('ok');
    expect([seqs(await read({ afterSeq: 8, limit: 2 })), seqs(await read({ afterSeq: 9, limit: 2 }))]).toEqual([
      [9, 10],
      [10],
    ]);
    expect((await read({ afterSeq: 8, limit: 2, afterId: id })).code).toBe('journal_mismatch');
    expect((await app.http.call(gateway, 'ingest', signed('next', eventBody({ playerId: 'another' })))).code).toBe(
      'ok',
    );
    expect(seqs(await read({ afterSeq: 9, limit: 2 }))).toEqual([10, 11]);
  });
});
