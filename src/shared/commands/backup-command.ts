import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { parseDatabaseUrl } from '../config/database-url';
import { packageVersion } from '../config/load-config';
import type { Database } from '../db/database';
import type { Databases } from '../db/databases';
import { reasonOf } from '../db/db.errors';
import { knownRemedy, remedyOf } from '../db/db.remedies';
import { makeFolder } from '../db/folder';
import { type CopiedFile, checkDatabase, copyDatabase, digestOf, putAside, sync } from '../db/sqlite.backup';
import { ClaimedError, realPath } from '../db/sqlite.claim';
import { StartError } from '../lifecycle/start.error';

/** A feature as a backup knows it. */
export interface BackedUp {
  readonly name: string;
  /** Others read what it has written, and remember how far: its file is copied last, and put back last. */
  readonly isRead: boolean;
}

const manifestName = 'backup.json';
const apartWarning =
  'Features in several files tell each other things: copies that were taken while something was told do not fit. Copy them while nothing is sold.';
const manifest = z.object({
  version: z.string(),
  takenAt: z.string(),
  /** In the order in which they are put back. */
  files: z.array(
    z.object({
      name: z.string().regex(/^[\w.-]{1,200}$/),
      features: z.array(z.string()).min(1),
      bytes: z.number(),
      sha256: z.string(),
      migrations: z.array(z.string()),
    }),
  ),
});
type Manifest = z.output<typeof manifest>;

/** A file, and the features whose tables are in it. */
interface Place {
  readonly database: Database;
  readonly path: string;
  readonly features: readonly string[];
  readonly isRead: boolean;
}

/**
 * Copies all SQLite files into an empty folder, while a process serves or not: everything that was acknowledged before this
 * began is in the copies. What is read from the log comes before the log, so that no copy knows of an event that the other
 * lacks. Answers the line to be printed. @throws StartError
 */
export function backup(databases: Databases, features: readonly BackedUp[], folder: string): Promise<string> {
  return telling(`The backup to ${folder}`, () => copyAll(placesOf(databases, features), folder));
}

async function copyAll(places: readonly Place[], folder: string): Promise<string> {
  makeFolder(folder, 0o700);
  if (readdirSync(folder).length > 0)
    throw new StartError(`${folder} is not empty: a backup needs a folder of its own.`);
  const takenAt = new Date().toISOString();
  const files: Manifest['files'] = [];
  for (const { path, features: of } of places) {
    // Files of one name may be in several folders; a feature is in one file.
    const name = `${of[0]}.db`;
    const copied: CopiedFile = await copyDatabase(path, join(folder, name));
    files.push({ name, features: [...of], ...copied, migrations: [...copied.migrations] });
  }
  // Last: a folder without it is no backup.
  const text = JSON.stringify({ version: packageVersion(), takenAt, files }, undefined, 2);
  writeFileSync(join(folder, manifestName), `${text}\n`, { mode: 0o600 });
  sync(join(folder, manifestName));
  sync(folder);
  const told = files.map(({ name, bytes }) => `${name} (${bytes} bytes)`).join(', ');
  const apart = places.filter(({ isRead }) => !isRead).length > 1 ? ` ${apartWarning}` : '';
  return `Copied and checked: ${told}. Keys (JWT_PRIVATE_KEY_FILE, secrets) are not part of it.${apart}`;
}

/**
 * Puts a backup in the place of the databases, which no process may be using. What was there is put aside, not deleted.
 * Should this end halfway, it is to be run again: what was put back by then fits the rest as it was.
 * Answers the line to be printed. @throws StartError
 */
export function restore(
  databases: Databases,
  features: readonly BackedUp[],
  backedUp: { readonly folder: string; readonly known: readonly string[] },
): Promise<string> {
  return telling(`The restore of ${backedUp.folder}`, () => putBackAll(placesOf(databases, features), backedUp));
}

async function putBackAll(
  places: readonly Place[],
  { folder, known }: { readonly folder: string; readonly known: readonly string[] },
): Promise<string> {
  const { files, version, takenAt } = manifestIn(folder);
  const targets = files.map((file) => ({ file, target: targetOf(file.features, places) }));
  for (const { path, features: here } of places)
    if (targets.filter(({ target }) => target === path).length !== 1)
      throw new StartError(`The backup does not have ${here.join(', ')} in one file, as these settings have them.`);
  const unknown = files.flatMap(({ migrations }) => migrations.filter((name) => !known.includes(name)));
  if (unknown.length > 0)
    throw new StartError(
      `Version ${version} has made this backup, and its schema is later than this version's: ${unknown.join(', ')}.`,
    );
  for (const { name, sha256 } of files) await checkFile(join(folder, name), sha256);
  const claimed = places.map(({ database }) => database.dialect);
  const suffix = `before-restore-${Date.now()}`;
  const told: string[] = [];
  try {
    for (const { database } of places) claim(database);
    for (const { file, target } of targets) {
      // Whatever links lead there: the file is replaced where it is.
      const real = realPath(target);
      const fresh = `${real}.restoring`;
      copyFileSync(join(folder, file.name), fresh);
      await checkFile(fresh, file.sha256);
      await checkDatabase(fresh);
      sync(fresh);
      if (existsSync(real)) told.push(putAside(real, suffix));
      renameSync(fresh, real);
      sync(dirname(real));
    }
  } finally {
    for (const dialect of claimed) dialect.release();
  }
  const kept = told.length === 0 ? '' : ` What was there is now ${told.join(', ')}.`;
  return `Restored what was taken at ${takenAt}: ${targets.map(({ target }) => target).join(', ')}.${kept} A Redis that Aerie has used knows later things: empty it.`;
}

/** Those that are read by others last. @throws StartError where one is no SQLite file */
function placesOf(databases: Databases, features: readonly BackedUp[]): Place[] {
  const places = databases.all.map((database): Place => {
    const here = features.filter(({ name }) => databases.of(name) === database);
    const { kind, path } = parseDatabaseUrl(database.shown);
    if (kind !== 'sqlite' || path === ':memory:')
      throw new StartError(
        `${database.shown} is not a SQLite file: back it up by its own means (pg_dump, mariadb-dump --single-transaction; see the README).`,
      );
    return { database, path, features: here.map(({ name }) => name), isRead: here.some(({ isRead }) => isRead) };
  });
  return places.sort((a, b) => Number(a.isRead) - Number(b.isRead));
}

/** What the file system or SQLite has against it is for the person at the terminal. @throws StartError instead */
async function telling(what: string, work: () => Promise<string>): Promise<string> {
  try {
    return await work();
  } catch (error) {
    const remedy = knownRemedy(error);
    if (error instanceof StartError || remedy === undefined) throw error;
    throw new StartError(`${what} failed: ${reasonOf(error)}. ${remedy}`, error);
  }
}

function manifestIn(folder: string): Manifest {
  const path = join(folder, manifestName);
  if (!statSync(path, { throwIfNoEntry: false }))
    throw new StartError(`${folder} is no whole backup: there is no ${manifestName} in it.`);
  const text = readFileSync(path, 'utf8');
  const parsed = manifest.safeParse(parsedOrNothing(text));
  if (!parsed.success) throw new StartError(`${path} is none that Aerie has written.`);
  return parsed.data;
}

function parsedOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function targetOf(features: readonly string[], places: readonly Place[]): string {
  const targets = places.filter((place) => features.some((feature) => place.features.includes(feature)));
  const [target] = targets;
  if (targets.length === 1 && target) return target.path;
  const where = targets.length === 0 ? 'nowhere' : 'in several files';
  throw new StartError(`The backup has ${features.join(', ')} in one file, and these settings have them ${where}.`);
}

async function checkFile(path: string, sha256: string): Promise<void> {
  if (!existsSync(path)) throw new StartError(`The backup is not whole: ${path} is missing.`);
  if ((await digestOf(path)).sha256 !== sha256)
    throw new StartError(`${path} is not what was backed up: its SHA-256 is another.`);
}

function claim(database: Database): void {
  try {
    database.dialect.claim();
  } catch (error) {
    const remedy = error instanceof ClaimedError ? 'Stop Aerie first.' : remedyOf(error, 'the file');
    throw new StartError(`${database.shown} cannot be restored: ${reasonOf(error)}. ${remedy}`, error);
  }
}
