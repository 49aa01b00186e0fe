import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { FairnessScorer } from '../../../src/features/fairness/fairness.scorer';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { passedAll } from '../../support/lag';
import { eventBody, signed } from '../../support/signed';
import { openApp } from '../../support/wires';

// SPEC 2: an advisor hears of each event once, however often its custodians are sent it, and holds nobody up.

afterEach(() => jest.restoreAllMocks());

async function send(app: Awaited<ReturnType<typeof openApp>>, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, i) => ({ id: `a-${i}`, ...eventBody({ playerId: `player-${i}` }) }));
  expect((await app.http.call(gateway, 'ingestBatch', signed('batch', { events }))).code).toBe('ok');
}

test('each accepted event is told once, and what a consumer reads from the log later is not told again', async () => {
  const heard: string[] = [];
  jest.spyOn(FairnessScorer.prototype, 'score').mockImplementation(async (events) => {
    heard.push(...events.map(({ id }) => id));
    return [];
  });
  await using database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  {
    await using app = await openApp(database.url, { MODULES: 'events-gateway,fairness' });
    await send(app, 20);
    await eventually(async () => expect(heard).toHaveLength(20));
  }
  await using again = await openApp(database.url);
  await passedAll(again);
  expect(heard.sort()).toEqual(Array.from({ length: 20 }, (_, i) => `a-${i}`).sort());
});

test('an advisor that fails holds up nobody', async () => {
  jest.spyOn(FairnessScorer.prototype, 'score').mockImplementation(async () => {
    throw new Error('out of order');
  });
  await using database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  await using app = await openApp(database.url);
  await send(app, 20);
  await passedAll(app);
});
