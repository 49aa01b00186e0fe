import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { isRetryable } from './db.errors';

// A process that is being replaced needs a moment to end.
const patienceMs = 1000;

interface Claim {
  readonly lock: BetterSqlite3.Database;
  holders: number;
}

const claims = new Map<string, Claim>();

/** Another process has the file. */
export class ClaimedError extends Error {
  constructor() {
    super('another process is using it, and a SQLite file belongs to one process alone');
    this.name = 'ClaimedError';
  }
}

/**
 * Keeps other processes off a SQLite file: what one of them holds in memory, the other would make wrong. The lock is the
 * operating system's, on a file beside it, so whatever ends the process gives it back. Returns what gives it back.
 * @throws ClaimedError when another process has it; Error when the file has several names (hard links): each would have a
 * log of its own (https://www.sqlite.org/howtocorrupt.html, 2.4)
 */
export function claimFile(path: string, driver: typeof BetterSqlite3): () => void {
  const real = realPath(path);
  if (existsSync(real) && statSync(real).nlink > 1) throw new Error('the file has several names (hard links)');
  const file = `${real}.lock`;
  const claim = claims.get(file) ?? { lock: lockOn(file, driver), holders: 0 };
  claims.set(file, claim);
  claim.holders += 1;
  return () => {
    claim.holders -= 1;
    if (claim.holders > 0) return;
    claims.delete(file);
    claim.lock.close();
  };
}

/** The real path of the file, also before it is made, whatever links lead there. @throws Error when its folder is not there */
export function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const target = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
  if (target !== undefined) return realPath(resolve(dirname(resolve(path)), target));
  return join(realpathSync(dirname(resolve(path))), basename(path));
}

/**
 * The file of a part that is kept apart: `aerie.events.db` beside `aerie.db`, by whatever link that is reached. Where this
 * user may not look nothing can be kept either: whoever opens it says so.
 */
export function fileBeside(path: string, part: string): string {
  return readablePath(path).replace(/(\.[^./]*)?$/, `.${part}$1`);
}

function readablePath(path: string): string {
  try {
    return existsSync(dirname(resolve(path))) ? realPath(path) : path;
  } catch (error) {
    if (!['EACCES', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return path;
  }
}

function lockOn(file: string, driver: typeof BetterSqlite3): BetterSqlite3.Database {
  const lock = new driver(file, { timeout: patienceMs });
  try {
    // Nothing is written, so nothing has to be undone, and no second file is needed.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw isRetryable(error) ? new ClaimedError() : error;
  }
}
