import type Driver from 'better-sqlite3';
import { sqliteDriver } from '../../src/shared/db/sqlite.driver';

/** The SQLite driver that the application has on this Node. */
export const BetterSqlite3 = require(sqliteDriver) as typeof Driver;
