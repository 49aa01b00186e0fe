import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { FairnessScorer } from '../../../src/features/fairness/fairness.scorer';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { eventBody, signed } from '../../support/signed';
import { openApp } from '../../support/wires';

// SPEC 2: an advisor hears of each event once, however often its custodians are sent it, and holds nobody up.

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

afterEach(() => jest.restoreAllMocks());

async function send(app: Awaited<ReturnType<typeof openApp>>, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, i) => ({ id: `a-${i}`, ...eventBody({ playerId: `player-${i}` }) }));
  expect((await app.http.call(gateway, 'ingestBatch', signed('batch', { events }))).code).toBe('ok');
}

test('each accepted event is told once, though it is sent again and again to who does not confirm', async () => {
  const heard: string[] = [];
  jest.spyOn(FairnessScorer.prototype, 'score').mockImplementation((events) => {
    heard.push(...events.map(({ id }) => id));
    return [];
  });
  await using database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  {
    // Nobody confirms: progression does not run here.
    await using app = await openApp(database.url, { MODULES: 'events-gateway,fairness', RELAY_RESEND_MS: '100' });
    await send(app, 20);
    await eventually(async () => expect(heard).toHaveLength(20));
    await sleep(1500);
  }
  await using again = await openApp(database.url, { RELAY_RESEND_MS: '100' });
  await eventually(async () =>
    expect((await again.http.call(gateway, 'oldestPending', { consumer: 'progression' })).body).toEqual({ pending: 0 }),
  );
  expect(heard.sort()).toEqual(Array.from({ length: 20 }, (_, i) => `a-${i}`).sort());
});

test('an advisor that fails holds up nobody', async () => {
  jest.spyOn(FairnessScorer.prototype, 'score').mockImplementation(() => {
    throw new Error('out of order');
  });
  await using database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  await using app = await openApp(database.url);
  await send(app, 20);
  await eventually(async () =>
    expect((await app.http.call(gateway, 'oldestPending', { consumer: 'progression' })).body).toEqual({ pending: 0 }),
  );
});
