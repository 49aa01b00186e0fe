import { DataSource } from 'typeorm';
import { progressionContract as progression } from '../../../src/features/progression/progression.api';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { metricSum } from '../../support/metrics';
import { openApp } from '../../support/wires';

// A row of the journal that cannot be read keeps no other from its consumers, and is parked where everybody sees it.

/** Puts events into the journal as a process would have left them that ended before it could send them. */
async function leave(url: string, payloads: Readonly<Record<string, string>>): Promise<void> {
  const kind = url.startsWith('postgres') ? 'postgres' : 'mysql';
  const source = await (url.startsWith('sqlite')
    ? new DataSource({ type: 'better-sqlite3', database: url.slice('sqlite:'.length), timeout: 60_000 })
    : new DataSource({ type: kind, url })
  ).initialize();
  for (const [id, payload] of Object.entries(payloads)) {
    const at = Date.now();
    await source.query(
      `INSERT INTO game_events (id, type, player_id, occurred_at, accepted_at, payload, points, trace_id, pending, send_at, sends, claim_id, group_id)
       VALUES ('${id}', 'progression', 'left-${id}', ${at}, ${at}, '${payload}', 7, 't', 3, 0, 0, 0, 0)`,
    );
  }
  await source.destroy();
}

test.each(everyDatabase)('$name', async ({ create }) => {
  await using database = await create();
  await using app = await openApp(database.url, { RELAY_RESEND_MS: '100' });
  await leave(database.url, { first: '{"deltaXp":7}', broken: '{"deltaXp":', last: '{"deltaXp":7}' });
  for (const id of ['first', 'last'])
    await eventually(async () =>
      expect((await app.http.call(progression, 'getProgress', { playerId: `left-${id}` })).body).toMatchObject({
        xp: 7,
      }),
    );
  await eventually(async () => expect(await metricSum(app.url, 'job_rows_parked{job="events-gateway.relay"}')).toBe(1));
  expect(await metricSum(app.url, 'job_failures_total{job="events-gateway.relay"}')).toBe(5);
});
