import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';

interface Moved {
  readonly from: string;
  readonly to: string;
  readonly tables: readonly string[];
  /** Names of the migrations that made them. */
  readonly migrations: readonly string[];
}

/**
 * Moves tables, with their rows, indices and the notes that their migrations were run, to a SQLite file of their own. The
 * new file appears at once and whole, and only then does the old one lose them, so whatever ends the process, calling again
 * goes on. Nobody else may have either file open.
 * Answers false when the old one has none of them.
 * @throws TwoFilesError when each has rows that the other lacks
 */
export function moveTables({ from, to, tables, migrations }: Moved, driver: typeof BetterSqlite3): boolean {
  const old = new driver(from);
  try {
    const held = tables.filter((table) => isTable(old, 'main', table));
    if (held.length === 0) return false;
    const names = JSON.stringify(migrations);
    if (existsSync(to) && isPartOf(old, to, tables)) {
      // Of a move that did not end, after which the old file was used again.
      for (const ending of ['', '-wal', '-shm']) rmSync(`${to}${ending}`, { force: true });
    }
    if (!existsSync(to)) copy(from, to, held, names, driver);
    old.prepare('ATTACH ? AS kept').run(to);
    for (const table of held)
      if (!isWithin(old, `main.${table}`, `kept.${table}`)) throw new TwoFilesError(table, from, to);
    old.transaction(() => {
      for (const table of held) old.exec(`DROP TABLE main.${table}`);
      old.prepare('DELETE FROM main.migrations WHERE name IN (SELECT value FROM json_each(?))').run(names);
    })();
    return true;
  } finally {
    old.close();
  }
}

function copy(from: string, to: string, tables: readonly string[], names: string, driver: typeof BetterSqlite3): void {
  const begun = `${to}.new`;
  for (const ending of ['', '-journal']) rmSync(`${begun}${ending}`, { force: true });
  const fresh = new driver(begun);
  try {
    fresh.pragma('synchronous = FULL');
    fresh.prepare('ATTACH ? AS old').run(from);
    fresh.transaction(() => {
      for (const table of [...tables, 'migrations']) {
        for (const sql of schemaOf(fresh, table)) fresh.exec(sql);
        const wanted = table === 'migrations' ? ' WHERE name IN (SELECT value FROM json_each(?))' : '';
        fresh.prepare(`INSERT INTO main.${table} SELECT * FROM old.${table}${wanted}`).run(...(wanted ? [names] : []));
      }
      // Numbers that were given out must not come again.
      if (isTable(fresh, 'main', 'sqlite_sequence'))
        fresh.exec(
          `UPDATE main.sqlite_sequence AS s SET seq = o.seq FROM old.sqlite_sequence AS o WHERE o.name = s.name`,
        );
    })();
  } finally {
    fresh.close();
  }
  renameSync(begun, to);
  // The name is in the folder, and that is a file, too.
  const folder = openSync(dirname(to), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

/** The statements that made the table and its indices, the table's first. */
function schemaOf(database: BetterSqlite3.Database, table: string): string[] {
  const text = "SELECT sql FROM old.sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type = 'table' DESC";
  return database
    .prepare<[string], { sql: string }>(text)
    .all(table)
    .map(({ sql }) => sql);
}

function isTable(database: BetterSqlite3.Database, schema: string, name: string): boolean {
  return database.prepare(`SELECT 1 FROM ${schema}.sqlite_master WHERE name = ?`).get(name) !== undefined;
}

/** All that the new file has is in the old one. */
function isPartOf(old: BetterSqlite3.Database, to: string, tables: readonly string[]): boolean {
  old.prepare('ATTACH ? AS kept').run(to);
  try {
    const kept = tables.filter((table) => isTable(old, 'kept', table));
    return kept.every((table) => isWithin(old, `kept.${table}`, `main.${table}`));
  } finally {
    old.exec('DETACH kept');
  }
}

/** Every row of the one table is in the other, which is there. */
function isWithin(database: BetterSqlite3.Database, part: string, whole: string): boolean {
  const [schema = '', table = ''] = whole.split('.');
  if (!isTable(database, schema, table)) return false;
  return database.prepare(`SELECT * FROM ${part} EXCEPT SELECT * FROM ${whole} LIMIT 1`).get() === undefined;
}

class TwoFilesError extends Error {
  constructor(table: string, from: string, to: string) {
    super(
      `the table ${table} is in ${from} and in ${to}, each with rows that the other lacks: name the one that you want in ` +
        "the feature's own variable, <FEATURE>_DATABASE_URL, or put the other one aside",
    );
    this.name = 'TwoFilesError';
  }
}
