import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Config } from '../config/config';
import { parseDatabaseUrl } from '../config/database-url';
import { type Database, writeSomething } from '../db/database';
import { factsOf } from '../db/database.facts';
import type { Databases } from '../db/databases';
import { isUnwritable, reasonOf, SqliteDriverMissingError } from '../db/db.errors';
import { remedyOf } from '../db/db.remedies';
import { ClaimedError } from '../db/sqlite.claim';
import { loadDriver } from '../db/sqlite.driver';
import { type Finding, Patient } from '../findings/finding';
import type { Holder } from './doctor.listeners';

const mb = 1_048_576;
const leastDiskMb = 100;
const littleDiskMb = 1024;
const fewNames = 3;
const skewMs = 1000;
const maxSkewMs = 60_000;
// What a server keeps for its administrators, and a few for others.
const spareConnections = 5;

// tmpfs and ramfs.
const inMemory = [0x01021994, 0x858458f6];
const inUse = 'in use by a process: `health` asks that one';

/** Who has the databases, after a look at them. */
export function holderOf(databases: Databases, found: readonly Finding[]): Holder {
  if (found.some(({ told }) => told === inUse)) return 'a process';
  return databases.all.every(({ embedded, shown }) => embedded && shown !== 'sqlite::memory:') ? 'nobody' : 'not known';
}

/** Looks at the databases of this process's features. `known`: the names of all migrations that this version has. */
export async function lookAtDatabases(
  { database: { poolMax }, instances }: Config,
  databases: Databases,
  known: ReadonlySet<string>,
): Promise<Finding[]> {
  const processes = Math.max(1, ...Object.values(instances));
  const looks = databases.all.map(async (database) => {
    const patient = new Patient('database', database.shown);
    try {
      if (database.embedded && !canBeOpened(database, patient)) return patient.findings;
      await database.connect();
      await examine(database, patient, { known, connections: poolMax * processes });
    } catch (error) {
      refused(patient, database, error);
    } finally {
      await database.close();
      database.dialect.release();
    }
    return patient.findings;
  });
  return (await Promise.all(looks)).flat();
}

/** False where there is nothing to open, or it is somebody else's: looking must not make a database. */
function canBeOpened(database: Database, patient: Patient): boolean {
  // Also where there is no file yet: without it the start fails.
  loadDriver();
  const path = pathOf(database.shown);
  if (path === ':memory:') return true;
  if (!takesFiles(path, patient)) return false;
  if (!existsSync(path)) {
    patient.well('not there yet: it is made at the first start');
    return false;
  }
  accessSync(path, constants.R_OK | constants.W_OK);
  try {
    database.dialect.claim();
    return true;
  } catch (error) {
    if (!(error instanceof ClaimedError)) throw error;
    patient.well(inUse);
    return false;
  }
}

/** Looks at the folder of a file, or at that in which it would be made. @throws the file system's error, which says why not */
function takesFiles(path: string, patient: Patient): boolean {
  let folder = dirname(resolve(path));
  while (!existsSync(folder)) folder = dirname(folder);
  const remedy = 'Name a file in a folder on a disk.';
  if (!statSync(folder).isDirectory()) patient.fail(`${folder} is a file, and no folder`, remedy);
  else if (isOfKernel(folder)) patient.fail(`no files can be made in ${folder}`, remedy);
  else {
    accessSync(folder, constants.W_OK | constants.X_OK);
    disk(path, folder, patient);
    return true;
  }
  return false;
}

/** /proc and its like have no blocks; some of those that are in memory do not count theirs. */
function isOfKernel(folder: string): boolean {
  const { blocks, type } = statfsSync(folder);
  return blocks === 0 && !inMemory.includes(type);
}

function disk(path: string, folder: string, patient: Patient): void {
  const { bavail, bsize, blocks } = statfsSync(folder);
  const freeMb = Math.floor((bavail * bsize) / mb);
  const remedy = 'Make room on this disk, or move the database to a larger one: a full disk refuses all events.';
  if (blocks > 0 && freeMb < leastDiskMb) patient.fail(`its disk is full: ${freeMb} MB are left`, remedy);
  else if (blocks > 0 && freeMb < littleDiskMb) patient.warn(`its disk is nearly full: ${freeMb} MB are left`, remedy);
  if (existsSync(path) && (statSync(path).mode & 0o077) !== 0)
    patient.warn('others on this machine may read its file', `chmod 600 ${path}*`);
}

interface Expected {
  readonly known: ReadonlySet<string>;
  /** All processes together. */
  readonly connections: number;
}

async function examine(database: Database, patient: Patient, { known, connections }: Expected): Promise<void> {
  const began = performance.now();
  await database.ping(2000);
  const latencyMs = performance.now() - began;
  const asked = Date.now();
  const { version, isReadOnly, maxConnections, forgetful, shownAt } = await factsOf(database);
  patient.well(undefined, { version, latencyMs });
  clock(patient, shownAt - (asked + Date.now()) / 2);
  for (const setting of forgetful)
    patient.warn(
      `${setting}: it may forget what it has committed`,
      'Set it back to its default: accepted events are promised to survive a power cut.',
    );
  if (maxConnections !== undefined && connections > maxConnections - spareConnections)
    patient.warn(
      `it takes ${maxConnections} connections, and the processes of this system may open ${connections}`,
      'Lower DB_POOL_MAX, or raise max_connections of the server.',
    );
  const applied = await database.appliedMigrations();
  const later = applied.filter((name) => !known.has(name));
  if (later.length > 0)
    patient.fail(`a later version has migrated it: ${few(later)}`, 'Run that version, or a later one.');
  const pending = await database.pendingMigrations();
  if (pending.length > 0) patient.fail(`migrations are missing: ${few(pending)}`, 'npm run migrate');
  if (isReadOnly)
    patient.fail(
      'it takes no changes: it is read-only, or a replica',
      'Name the server that takes changes in its URL.',
    );
  else if (applied.length > 0) await tryWriting(database, patient);
}

/** For a cell of a table. */
function few(names: readonly string[]): string {
  const more = names.length - fewNames;
  return more > 0 ? `${names.slice(0, fewNames).join(', ')} and ${more} more` : names.join(', ');
}

function clock(patient: Patient, ahead: number): void {
  const seconds = Math.abs(Math.round(ahead / 100) / 10);
  const told = `its clock is ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} that of this machine`;
  const remedy = 'Keep both by NTP: windows of leaderboards, holds and tokens end by the clock.';
  if (Math.abs(ahead) > maxSkewMs / 2) patient.fail(told, remedy);
  else if (Math.abs(ahead) > skewMs) patient.warn(told, remedy);
}

async function tryWriting(database: Database, patient: Patient): Promise<void> {
  try {
    await database.transaction(writeSomething);
  } catch (error) {
    const told = isUnwritable(error) ? 'nothing can be written to it' : `a change failed: ${reasonOf(error)}`;
    patient.fail(
      told,
      'Look at its disk, and at the rights of its user: it must insert, update, delete and lock rows.',
    );
  }
}

function refused(patient: Patient, { shown, embedded }: Database, error: unknown): void {
  if (error instanceof SqliteDriverMissingError) {
    const remedy = 'Install a C++ compiler and run npm ci again with this Node, or name a PostgreSQL or MySQL server.';
    patient.fail('its driver was not compiled for this Node', remedy);
    return;
  }
  const where = embedded ? pathOf(shown) : shown.replace(/^\w+:\/\//, '');
  patient.fail(`cannot be used: ${reasonOf(error)}`, remedyOf(error, where));
}

function pathOf(shown: string): string {
  return parseDatabaseUrl(shown).path;
}
