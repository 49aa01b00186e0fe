import { Database, type Entity, type Migration } from './database';
import type { DialectOptions } from './dialect';

interface Member {
  readonly url: string;
  readonly entities: readonly Entity[];
  readonly migrations: readonly Migration[];
}

/** The databases of this process: features that name the same URL share one pool and one list of migrations. */
export class Databases {
  private readonly members = new Map<string, Member>();
  private readonly byUrl = new Map<string, Database>();

  constructor(private readonly options: DialectOptions) {}

  /** Before the first call of `of`: what a feature keeps, and where. */
  register(feature: string, url: string, entities: readonly Entity[], migrations: readonly Migration[]): void {
    if (this.byUrl.size > 0) throw new Error(`${feature} was registered after the databases were made`);
    this.members.set(feature, { url, entities, migrations });
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

  async connectAll(): Promise<void> {
    await this.each((database) => database.connect());
  }

  /** The names of the migrations that were run. */
  async migrateAll(): Promise<string[]> {
    return (await this.each((database) => database.migrate())).flat();
  }

  async pendingMigrations(): Promise<string[]> {
    return (await this.each((database) => database.pendingMigrations())).flat();
  }

  async pingAll(limitMs: number): Promise<void> {
    await this.each((database) => database.ping(limitMs));
  }

  async closeAll(): Promise<void> {
    await this.each((database) => database.close());
  }

  private each<T>(call: (database: Database) => Promise<T>): Promise<T[]> {
    const features = [...this.members.keys()];
    const databases = new Set(features.map((feature) => this.of(feature)));
    return Promise.all([...databases].map(call));
  }

  private create(url: string): Database {
    const sharing = [...this.members.values()].filter((member) => member.url === url);
    const entities = sharing.flatMap((member) => member.entities);
    const migrations = sharing.flatMap((member) => member.migrations);
    return new Database({ ...this.options, url, entities, migrations });
  }
}
