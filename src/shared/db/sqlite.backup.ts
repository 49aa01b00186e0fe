import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  createReadStream,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { StartError } from '../lifecycle/start.error';
import { loadDriver } from './sqlite.driver';

/** A file of a backup, as it must be. */
export interface CopiedFile {
  readonly bytes: number;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
  /** The names of the migrations that its schema has. */
  readonly migrations: readonly string[];
}

/**
 * Copies a SQLite database that others may be writing to, as it is at one instant: all that was committed before. The copy is
 * whole and on the disk when this resolves, or not there. @throws StartError when it is not there, or the copy is not whole
 */
export async function copyDatabase(from: string, to: string): Promise<CopiedFile> {
  if (!statSync(from, { throwIfNoEntry: false })) throw new StartError(`There is no ${from}.`);
  const partial = `${to}.partial`;
  rmSync(partial, { force: true });
  try {
    const source = new (loadDriver())(from, { readonly: true, timeout: 10_000 });
    try {
      // One read of everything: unlike the backup API it does not begin again whenever somebody writes.
      source.prepare('VACUUM INTO ?').run(partial);
    } finally {
      source.close();
    }
    const copied = await checkDatabase(partial);
    sync(partial);
    renameSync(partial, to);
    sync(dirname(to));
    return copied;
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/** Opens a copy and goes through all of it. @throws StartError when it is not whole */
export async function checkDatabase(path: string): Promise<CopiedFile> {
  const copy = new (loadDriver())(path, { readonly: true });
  try {
    const [first] = copy.pragma('integrity_check(1)') as { readonly integrity_check: string }[];
    if (first?.integrity_check !== 'ok') throw new StartError(`${path} is damaged: ${first?.integrity_check}.`);
    const rows = copy.prepare('SELECT name FROM migrations ORDER BY id').all() as { readonly name: string }[];
    return { ...(await digestOf(path)), migrations: rows.map(({ name }) => name) };
  } finally {
    copy.close();
  }
}

/**
 * Keeps a database that is about to be replaced, under another name, which is answered: whole, and without a moment in which
 * there is no database. Nobody may be using it. A damaged one is moved away with its log as it is.
 */
export function putAside(path: string, suffix: string): string {
  const aside = `${path}.${suffix}`;
  if (existsSync(aside)) throw new StartError(`${aside} is there already.`);
  if (isWritten(path)) {
    copyFileSync(path, `${aside}.partial`, constants.COPYFILE_FICLONE);
    sync(`${aside}.partial`);
    renameSync(`${aside}.partial`, aside);
    return aside;
  }
  for (const part of ['-wal', '-shm', '']) if (existsSync(path + part)) renameSync(path + part, `${aside}${part}`);
  return aside;
}

/** Writes what its log holds into the file itself; false for a file that is no whole database. */
function isWritten(path: string): boolean {
  try {
    const database = new (loadDriver())(path);
    try {
      database.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      // The last one to close it removes the log.
      database.close();
    }
  } catch (error) {
    if ((error as { readonly code?: string }).code?.startsWith('SQLITE_')) return false;
    throw error;
  }
  return !existsSync(`${path}-wal`);
}

/** @throws the file system's error */
export async function digestOf(path: string): Promise<Pick<CopiedFile, 'bytes' | 'sha256'>> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { bytes: statSync(path).size, sha256: hash.digest('hex') };
}

/** A file, or the names in a folder, on the disk. */
export function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
