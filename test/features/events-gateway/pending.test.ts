import { DataSource } from 'typeorm';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// Guards against a search for due events that goes through all events there ever were, once a second: MySQL's index of
// what is due has the done ones in it, too.

async function early(url: string): Promise<number> {
  const type = url.startsWith('postgres') ? 'postgres' : 'mysql';
  const source = await new DataSource(
    url.startsWith('sqlite') ? { type: 'better-sqlite3', database: url.slice(7) } : { type, url },
  ).initialize();
  const [row] = await source.query(
    `SELECT COUNT(*) AS early FROM game_events WHERE send_at < ${Number.MAX_SAFE_INTEGER}`,
  );
  await source.destroy();
  return Number(row.early);
}

async function pending(app: TestApp, consumer: string): Promise<unknown> {
  return (await app.http.call(gateway, 'oldestPending', { consumer })).body.pending;
}

test.each(everyDatabase)(
  '$name: an event that all have confirmed is out of the way of what is due',
  async ({ create }) => {
    await using database = await create();
    const events = Array.from({ length: 30 }, (_, i) => ({ id: `p-${i}`, ...eventBody({ playerId: `player-${i}` }) }));
    {
      await using app = await openApp(database.url, { MODULES: 'events-gateway,fairness,progression' });
      expect((await app.http.call(gateway, 'ingestBatch', signed('batch', { events }))).code).toBe('ok');
      await eventually(async () => expect(await pending(app, 'progression')).toBe(0));
      expect(await pending(app, 'leaderboard')).toBe(30);
      expect(await early(database.url)).toBe(30);
    }
    await using app = await openApp(database.url);
    await eventually(async () => expect(await pending(app, 'leaderboard')).toBe(0));
    expect(await early(database.url)).toBe(0);
  },
);
