import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { everyDatabase, journalUrl, type TestDatabase } from '../../support/databases';
import { eventBody, signed } from '../../support/signed';
import { execute } from '../../support/statements';
import { openApp, type TestApp } from '../../support/wires';

// ARCHITECTURE 5.8 (b), (c): one event never fails its neighbours; one id has one body.

// Whole seconds of yesterday, so that the time has several spellings.
const yesterday = new Date(Math.floor(Date.now() / 1000 - 86_400) * 1000).toISOString();

/** Makes the database refuse one row, for a reason that no check of ours foresees. */
function poison(url: string): Promise<void> {
  return execute(
    url,
    url.startsWith('sqlite')
      ? "CREATE TRIGGER poison BEFORE INSERT ON game_events WHEN NEW.points = 666 BEGIN SELECT RAISE(ABORT, 'poison'); END"
      : 'ALTER TABLE game_events ADD CONSTRAINT poison CHECK (points <> 666)',
  );
}

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, {}, { fairness: 'off' });
    await poison(journalUrl(database.url));
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const event = (id: string, deltaXp = 1) => ({
    id,
    ...eventBody({ playerId: 'journal-player', occurredAt: yesterday, payload: { deltaXp } }),
  });

  test('a poison event and a reused id in a group of 100: the other 98 are accepted', async () => {
    const events = Array.from({ length: 100 }, (_, i) => event(`g-${i}`));
    events[40] = event('g-40', 666);
    events[60] = event('g-10', 2);
    const { body } = await app.http.call(gateway, 'ingestBatch', signed('batch', { events }));
    const results = body.results as { eventId: string; status: string; error?: { code: string } }[];
    expect(results).toHaveLength(100);
    expect(results[40]).toMatchObject({ eventId: 'g-40', status: 'rejected', error: { code: 'internal' } });
    expect(results[60]).toMatchObject({
      eventId: 'g-10',
      status: 'rejected',
      error: { code: 'idempotency_key_reused' },
    });
    expect(results.filter(({ status }) => status === 'accepted')).toHaveLength(98);
  });

  test('the refused poison event left no row: the same id may succeed later', async () => {
    expect((await app.http.call(gateway, 'ingest', signed('g-40', { ...event(''), id: undefined }))).body).toEqual({
      eventId: 'g-40',
      status: 'accepted',
    });
  });

  test('the same id many times at the same moment: one accepted, the others duplicates, other bodies refused', async () => {
    const { id: _, ...one } = event('');
    const sent = Array.from({ length: 60 }, (_unused, i) =>
      signed('same', i % 3 === 2 ? { ...one, payload: { deltaXp: 2 } } : one),
    );
    const outcomes = await Promise.all(
      sent.map((message, i) => app[i % 2 ? 'http' : 'grpc'].call(gateway, 'ingest', message)),
    );
    const told = outcomes.map(({ code, body }) => (code === 'ok' ? String(body.status) : code));
    expect(told.filter((one) => one === 'accepted')).toHaveLength(1);
    expect(new Set(told)).toEqual(new Set(['accepted', 'duplicate', 'idempotency_key_reused']));
    // Which body won is open; all of the same body are told alike.
    const winner = told.indexOf('accepted') % 3 === 2 ? 20 : 40;
    expect(told.filter((one) => one !== 'idempotency_key_reused')).toHaveLength(winner);
  });

  test('one id in single, batch and stream is one event, however its body is spelled', async () => {
    const inSeoul = new Date(Date.parse(yesterday) + 9 * 3_600_000).toISOString().replace('.000Z', '+09:00');
    const first = {
      type: 'progression',
      playerId: 'journal-player',
      occurredAt: inSeoul,
      payload: { activity: 'fishing', deltaXp: 5 },
    };
    const again = {
      payload: { deltaXp: 5, activity: 'fishing' },
      occurredAt: yesterday,
      playerId: 'journal-player',
      type: 'progression',
    };
    expect((await app.http.call(gateway, 'ingest', signed('spelled', first))).body.status).toBe('accepted');
    const { body } = await app.grpc.call(
      gateway,
      'ingestBatch',
      signed('b', { events: [{ id: 'spelled', ...again }] }),
    );
    expect(body).toMatchObject({ results: [{ eventId: 'spelled', status: 'duplicate' }] });
  });
});
