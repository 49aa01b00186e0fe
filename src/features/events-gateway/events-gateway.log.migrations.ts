import type { MigrationInterface, QueryRunner } from 'typeorm';

// From events that each consumer confirms to a log in which each consumer has its place. No earlier version may run
// meanwhile: it could confirm what is being counted. Each step can be run again, since MySQL commits every statement that
// changes a table.

const bits = { progression: 1, leaderboard: 2 } as const;

/** Where each consumer stands: before the lowest number that it has not confirmed. Beyond it, its inbox knows. */
export class CarryPlaces1796200000002 implements MigrationInterface {
  readonly name = 'CarryPlaces1796200000002';

  async up(runner: QueryRunner): Promise<void> {
    const head = await numberOf(runner, 'SELECT MAX(seq) AS n FROM game_events');
    await runner.query('DELETE FROM events_log');
    await runner.query(`INSERT INTO events_log (id, last_seq) VALUES (1, ${head})`);
    // A run that was cut short later on has this behind it.
    if (!(await runner.hasColumn('game_events', 'pending'))) return;
    await runner.query('DELETE FROM events_starts');
    for (const [consumer, bit] of Object.entries(bits)) {
      const lowest = `SELECT MIN(seq) AS n FROM game_events WHERE pending <> 0 AND (pending & ${bit}) <> 0`;
      const pending = await numberOf(runner, lowest);
      const before = pending === 0 ? '' : `WHERE seq < ${pending}`;
      const after = await numberOf(runner, `SELECT MAX(seq) AS n FROM game_events ${before}`);
      await runner.query(
        `INSERT INTO events_starts (consumer, after_seq, after_id, inbox_up_to)
         SELECT '${consumer}', ${after}, COALESCE((SELECT id FROM game_events WHERE seq = ${after}), ''), ${head}`,
      );
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DELETE FROM events_starts');
    await runner.query('DELETE FROM events_log');
  }
}

/** Dead letters know the number of their event. */
export class FillDeadLetterSeq1796200000005 implements MigrationInterface {
  readonly name = 'FillDeadLetterSeq1796200000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `UPDATE events_dead_letters SET event_seq =
       COALESCE((SELECT seq FROM game_events WHERE game_events.id = events_dead_letters.event_id), 0)`,
    );
  }

  async down(): Promise<void> {}
}

const kept = 'seq, id, type, player_id, occurred_at, accepted_at, payload, points, trace_id';
const dropped = ['pending', 'send_at', 'sends', 'claim_id', 'group_id'];

/** The row loses what only confirmations needed, and its number no longer counts up by itself. */
export class SlimGameEvents1796200000006 implements MigrationInterface {
  readonly name = 'SlimGameEvents1796200000006';

  async up(runner: QueryRunner): Promise<void> {
    const { type } = runner.dataSource.options;
    if (!(await runner.hasColumn('game_events', 'pending'))) return;
    if (type === 'better-sqlite3') await slimSqlite(runner);
    else if (type === 'postgres') await slimPostgres(runner);
    else await slimMysql(runner);
  }

  async down(): Promise<void> {
    throw new Error('Which consumer has confirmed which event is known no more');
  }
}

/** SQLite changes a table by making it anew. Without AUTOINCREMENT the number is the rowid. */
async function slimSqlite(runner: QueryRunner): Promise<void> {
  const texts = { id: 128, type: 32, player_id: 64, trace_id: 64 };
  const column = (name: string): string => {
    if (name === 'seq') return '"seq" integer PRIMARY KEY NOT NULL';
    if (name === 'payload') return '"payload" text COLLATE BINARY NOT NULL';
    const length = texts[name as keyof typeof texts];
    return length ? `"${name}" varchar(${length}) COLLATE BINARY NOT NULL` : `"${name}" bigint NOT NULL`;
  };
  await runner.query(`CREATE TABLE "slim_game_events" (${kept.split(', ').map(column).join(', ')})`);
  await runner.query(`INSERT INTO slim_game_events (${kept}) SELECT ${kept} FROM game_events ORDER BY seq`);
  await runner.query('DROP TABLE game_events');
  await runner.query('ALTER TABLE slim_game_events RENAME TO game_events');
  await runner.query('CREATE UNIQUE INDEX "game_events_id" ON "game_events" ("id")');
}

async function slimPostgres(runner: QueryRunner): Promise<void> {
  const drops = dropped.map((name) => `DROP COLUMN ${name}`).join(', ');
  await runner.query(`ALTER TABLE game_events ${drops}, ALTER COLUMN seq DROP DEFAULT`);
  await runner.query('DROP SEQUENCE IF EXISTS game_events_seq_seq');
}

/** One statement, so that no half of it is left. */
async function slimMysql(runner: QueryRunner): Promise<void> {
  const drops = dropped.map((name) => `DROP COLUMN ${name}`).join(', ');
  const indices = ['game_events_due', 'game_events_pending'].map((name) => `DROP INDEX ${name}`).join(', ');
  await runner.query(`ALTER TABLE game_events ${indices}, ${drops}, MODIFY seq bigint NOT NULL`);
}

async function numberOf(runner: QueryRunner, text: string): Promise<number> {
  const [row] = (await runner.query(text)) as { n: number | string | null }[];
  return Number(row?.n ?? 0);
}
