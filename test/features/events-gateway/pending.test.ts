import { DataSource } from 'typeorm';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { oldestPending } from '../../../src/features/events-gateway/events-gateway.journal.repository';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// Guards against a search for due events that goes through all events there ever were, once a second: MySQL's index of
// what is due has the done ones in it, too.

async function withSource<T>(url: string, work: (source: DataSource) => Promise<T>): Promise<T> {
  const type = url.startsWith('postgres') ? 'postgres' : 'mysql';
  const source = await new DataSource(
    url.startsWith('sqlite') ? { type: 'better-sqlite3', database: url.slice(7) } : { type, url },
  ).initialize();
  try {
    return await work(source);
  } finally {
    await source.destroy();
  }
}

async function early(url: string): Promise<number> {
  const statement = `SELECT COUNT(*) AS early FROM game_events WHERE send_at < ${Number.MAX_SAFE_INTEGER}`;
  const [row] = await withSource(url, (source) => source.query(statement));
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

const day = 86_400_000;
const noon = Date.parse('2026-11-21T12:00:00.000Z');

/** `count` events, a millisecond apart from `from` on, the later accepted the earlier occurred; nobody is sent them soon. */
async function put(source: DataSource, kind: string, pending: number, count: number, from: number): Promise<void> {
  const numbers = 'n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)';
  const id = kind === 'mysql' ? `CONCAT('${pending}-', i)` : `'${pending}-' || i`;
  for (let done = 0; done < count; done += 1000) {
    const i = id.replace(/\bi\b/, `(i + ${done})`);
    const row = `${i}, 'progression', 'nobody', ${from} - 60000 - (i + ${done}), ${from} + i + ${done}, '{}', 1, 't', ${pending}`;
    const columns = 'id, type, player_id, occurred_at, accepted_at, payload, points, trace_id, pending';
    const into = `INSERT INTO game_events (${columns}, send_at, sends, claim_id, group_id)`;
    const select = `SELECT ${row}, ${noon} * 2, 0, 0, 0 FROM n`;
    const statement =
      kind === 'mysql' ? `${into} WITH RECURSIVE ${numbers} ${select}` : `WITH RECURSIVE ${numbers} ${into} ${select}`;
    await source.query(statement);
  }
}

/** What the database says that it reads for the answer. */
async function plan(source: DataSource, kind: string): Promise<string> {
  const { text, params } = oldestPending('leaderboard', 10_000);
  const bound = params.reduce((statement, value) => statement.replace('?', String(value)), text);
  const rows: object[] = await source.query(`EXPLAIN ${kind === 'sqlite' ? 'QUERY PLAN ' : ''}${bound}`);
  return JSON.stringify(rows);
}

describe.each(everyDatabase)('$name: the oldest pending event', ({ name, create }) => {
  test('is found by an index whatever there is, done or pending for others; as many as there are up to 10,000', async () => {
    await using database = await create();
    await using app = await openApp(database.url, { MODULES: 'events-gateway,fairness' });
    const ask = async () => (await app.http.call(gateway, 'oldestPending', { consumer: 'leaderboard' })).body;
    expect(await ask()).toEqual({ pending: 0 });
    await withSource(database.url, async (source) => {
      await put(source, name, 0, 30_000, noon - 3 * day);
      await put(source, name, 1, 30_000, noon - 2 * day);
      expect(await ask()).toEqual({ pending: 0 });
      await put(source, name, 2, 2000, noon);
      expect(await ask()).toEqual({ pending: 2000, acceptedAt: at(noon + 1), occurredAt: at(noon - 62_000) });
      await put(source, name, 3, 12_000, noon + 500);
      const { occurredAt, ...rest } = await ask();
      expect(rest).toEqual({ pending: 10_000, acceptedAt: at(noon + 1) });
      // Not all were looked at: what is told is no later than the earliest of all.
      expect(Date.parse(String(occurredAt))).toBeLessThanOrEqual(noon + 500 - 72_000);
      await source.query(name === 'mysql' ? 'ANALYZE TABLE game_events' : 'ANALYZE');
      const told = await plan(source, name);
      expect(told.match(/game_events_pending/g)?.length).toBeGreaterThanOrEqual(2);
      expect(told).not.toMatch(/Seq Scan|SCAN game_events(?! USING)|"type":"ALL","possible_keys":"game/);
    });
  });
});

function at(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
