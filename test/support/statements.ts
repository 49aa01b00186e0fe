import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { BetterSqlite3 } from './sqlite';

const patienceMs = 60_000;

/**
 * Runs statements on a database beside the application that uses it, one after another. The driver of SQLite stops this whole
 * process while it waits for a lock, and the application in it could not finish what holds the lock: the waiting is done here.
 */
export async function execute(url: string, ...statements: readonly string[]): Promise<void> {
  const kind = url.startsWith('postgres') ? 'postgres' : 'mysql';
  const source = await (url.startsWith('sqlite:')
    ? new DataSource({
        type: 'better-sqlite3',
        driver: BetterSqlite3,
        database: url.slice('sqlite:'.length),
        timeout: 0,
      })
    : new DataSource({ type: kind, url })
  ).initialize();
  try {
    for (const statement of statements) await patiently(() => source.query(statement));
  } finally {
    await source.destroy();
  }
}

async function patiently(run: () => Promise<unknown>): Promise<void> {
  const until = Date.now() + patienceMs;
  for (;;) {
    try {
      await run();
      return;
    } catch (error) {
      if (!/database is locked/.test(String(error)) || Date.now() > until) throw error;
      await sleep(20);
    }
  }
}
