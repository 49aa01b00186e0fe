import type BetterSqlite3 from 'better-sqlite3';
import { SqliteDriverMissingError } from './db.errors';

// better-sqlite3 13 needs Node-API 10 (Node 22.14), without which it crashes; up to 12 it aborts on Node 24.19 and later, whose
// ObjectWrap asks for an environment that is not there while garbage is collected. So both are installed, each where it works.
const nodeApi = 10;

/** The package that is the SQLite driver on this Node. */
export const sqliteDriver = Number(process.versions.napi) >= nodeApi ? 'better-sqlite3-node-api' : 'better-sqlite3';

/** @throws SqliteDriverMissingError */
export function loadDriver(): typeof BetterSqlite3 {
  try {
    const driver = require(sqliteDriver) as typeof BetterSqlite3;
    // The native part is loaded by the first database only.
    new driver(':memory:').close();
    return driver;
  } catch (error) {
    throw new SqliteDriverMissingError(error);
  }
}
