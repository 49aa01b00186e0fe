import { parseDatabaseUrl } from '../config/database-url';
import { StartError } from '../lifecycle/start.error';
import { Database, type Migration } from './database';
import { reasonOf, SqliteDriverMissingError } from './db.errors';
import { remedyOf } from './db.remedies';
import type { DialectOptions } from './dialect';
import type { Table } from './entity';
import { migrationsIn } from './sqlite.schema';

interface Member {
  readonly url: string;
  readonly tables: readonly Table<object>[];
  readonly migrations: readonly Migration[];
  readonly place: Place;
}

interface Place {
  /** On SQLite its statements run in the thread of their callers, unless it shares its file. */
  readonly here?: boolean;
  /** Where an earlier version kept its tables. */
  readonly movedFrom?: string | undefined;
}

/** What is done, and what is to be done. */
export interface Plan {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

/** The databases of this process: features that name the same URL share one pool and one list of migrations. */
export class Databases {
  private readonly members = new Map<string, Member>();
  private readonly byUrl = new Map<string, Database>();

  constructor(private readonly options: DialectOptions) {}

  /** Before the first call of `of`: what a feature keeps, and where. */
  register(
    feature: string,
    url: string,
    tables: readonly Table<object>[],
    migrations: readonly Migration[],
    place: Place = {},
  ): void {
    if (this.byUrl.size > 0) throw new Error(`${feature} was registered after the databases were made`);
    this.members.set(feature, { url, tables, migrations, place });
  }

  /** The database of a registered feature. */
  of(feature: string): Database {
    const member = this.members.get(feature);
    if (!member) throw new Error(`${feature} has not registered a database`);
    const known = this.byUrl.get(member.url);
    if (known) return known;
    for (const url of new Set([...this.members.values()].map((each) => each.url)))
      this.byUrl.set(url, this.create(url));
    return this.of(feature);
  }

  /**
   * Answers the features whose tables were moved to a file of their own; none where nothing is to be moved.
   * @throws StartError naming the database that refuses us, is not there, or belongs to another process
   */
  async connectAll(): Promise<string[]> {
    await this.each((database) => using(database, () => database.dialect.claim()));
    const moved: string[] = [];
    for (const feature of this.members.keys())
      await using(this.of(feature), () => {
        if (this.adopted(feature)) moved.push(feature);
      });
    await this.each((database) => using(database, () => database.connect()));
    return moved;
  }

  /**
   * The names of the migrations that the databases have, and of those that they lack. SQLite files are read as they are, also
   * while a process serves: none is made, and nobody is kept off. @throws StartError as `connectAll`
   */
  async plan(): Promise<Plan> {
    const plans = await this.each(async (database): Promise<Plan> => {
      if (!database.embedded) {
        await using(database, () => database.connect());
        return { applied: await database.appliedMigrations(), pending: await database.pendingMigrations() };
      }
      const applied: string[] = [];
      await using(database, () => applied.push(...migrationsIn(parseDatabaseUrl(database.shown).path)));
      return { applied, pending: this.migrationsOf(database).filter((name) => !applied.includes(name)) };
    });
    return { applied: plans.flatMap(({ applied }) => applied), pending: plans.flatMap(({ pending }) => pending) };
  }

  /** The names of the migrations that were run. */
  async migrateAll(): Promise<string[]> {
    return (await this.each((database) => database.migrate())).flat();
  }

  async pendingMigrations(): Promise<string[]> {
    return (await this.each((database) => database.pendingMigrations())).flat();
  }

  /** The names of all migrations that were ever run, of other features, too. */
  async appliedMigrations(): Promise<string[]> {
    return (await this.each((database) => database.appliedMigrations())).flat();
  }

  async pingAll(limitMs: number): Promise<void> {
    await this.each((database) => database.ping(limitMs));
  }

  /** To one of them nothing could be written lately. */
  get unwritable(): boolean {
    return [...this.byUrl.values()].some((database) => database.unwritable);
  }

  async closeAll(): Promise<void> {
    await this.each(async (database) => {
      await database.close();
      database.dialect.release();
    });
  }

  /** Each once, however many features share it. */
  get all(): Database[] {
    return [...new Set([...this.members.keys()].map((feature) => this.of(feature)))];
  }

  private migrationsOf(database: Database): string[] {
    const here = [...this.members].filter(([feature]) => this.of(feature) === database);
    return here.flatMap(([, { migrations }]) => namesOf(migrations));
  }

  private adopted(feature: string): boolean {
    const { place, tables, migrations } = this.members.get(feature) as Member;
    if (place.movedFrom === undefined) return false;
    const names = tables.map(({ name }) => name);
    const { path } = parseDatabaseUrl(place.movedFrom);
    return this.of(feature).dialect.adopt(path, names, namesOf(migrations));
  }

  private each<T>(call: (database: Database) => Promise<T>): Promise<T[]> {
    return Promise.all(this.all.map(call));
  }

  private create(url: string): Database {
    const sharing = [...this.members.values()].filter((member) => member.url === url);
    const tables = sharing.flatMap((member) => member.tables);
    const migrations = sharing.flatMap((member) => member.migrations);
    const here = sharing.every((member) => member.place.here === true);
    return new Database({ ...this.options, url, tables, migrations, here });
  }
}

function namesOf(migrations: readonly Migration[]): string[] {
  return migrations.map((migration) => new migration().name ?? migration.name);
}

async function using(database: Database, call: () => unknown): Promise<void> {
  try {
    await call();
  } catch (error) {
    database.dialect.release();
    refused(database, error);
  }
}

function refused(database: Database, error: unknown): never {
  if (error instanceof SqliteDriverMissingError) throw error;
  const { shown, embedded } = database;
  const told = `the database ${shown} cannot be used: ${reasonOf(error)}`;
  const where = embedded ? 'the file' : shown.replace(/^\w+:\/\//, '');
  throw new StartError(`Aerie cannot start: ${told}. ${remedyOf(error, where)}`, error);
}
