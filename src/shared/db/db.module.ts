import { Injectable, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { AsyncModule } from '../async/async.module';
import { ScrapeAsks } from '../async/scrape-asks';
import { Config } from '../config/config';
import { parseDatabaseUrl } from '../config/database-url';
import { type Feature, Features } from '../contract/feature';
import { HealthModule } from '../health/health.module';
import { type CheckResult, healthySince, Readiness } from '../health/readiness';
import { Metrics } from '../metrics/metrics';
import { DatabaseClocks } from './database.clocks';
import { DatabaseTime } from './database.time';
import { Databases } from './databases';
import type { DialectOptions } from './dialect';
import { HeavyReads } from './heavy-reads';
import { fileBeside } from './sqlite.claim';

const connectTimeoutMs = 10_000;
const queryTimeoutMs = 4000;
const pingLimitMs = 1000;

/** The databases of these features, not yet connected. */
export function databasesOf(
  config: Config,
  features: readonly Feature[],
  trouble?: DialectOptions['trouble'],
): Databases {
  const { url, byFeature, apart, poolMin, poolMax } = config.database;
  const databases = new Databases({
    poolMin,
    poolMax,
    connectTimeoutMs,
    queryTimeoutMs,
    ...(trouble && { trouble }),
  });
  for (const { contract, entities = [], migrations, ownFile } of features) {
    const { name } = contract;
    const part = apart[name];
    const place = { here: ownFile !== undefined, movedFrom: part === undefined ? undefined : url };
    const own =
      byFeature[name] ?? (part === undefined ? url : `sqlite:${fileBeside(parseDatabaseUrl(url).path, part)}`);
    databases.register(name, own, entities, migrations, place);
  }
  return databases;
}

/** Connects and, where nobody else does it, migrates: in development, and SQLite anywhere. */
async function open(config: Config, { all: features }: Features, logger: PinoLogger): Promise<Databases> {
  const databases = databasesOf(config, features, (err, event) => logger.warn({ err }, event));
  for (const feature of await databases.connectAll()) logger.info({ feature }, 'tables_moved');
  const alone = features.every(({ contract }) => databases.of(contract.name).embedded);
  if (config.environment === 'development' || alone) await databases.migrateAll();
  return databases;
}

/** Tells readiness whether the databases answer and have the schema that this version needs. */
@Injectable()
class DatabaseHealth {
  private migrated = false;

  constructor(
    private readonly databases: Databases,
    private readonly logger: PinoLogger,
    readiness: Readiness,
    metrics: Metrics,
  ) {
    const unwritable = metrics.gauge('database_unwritable', '1 while nothing can be written: is the disk full?');
    // Known without a question to the database.
    new ScrapeAsks([unwritable]).add(async () => unwritable.set(databases.unwritable ? 1 : 0));
    readiness.add('database', () => this.check());
  }

  private async check(): Promise<CheckResult> {
    const started = performance.now();
    try {
      await this.databases.pingAll(pingLimitMs);
      const pending = this.migrated ? [] : await this.databases.pendingMigrations();
      if (pending.length > 0) {
        return { status: 'unhealthy', reason: `migrations are pending (npm run migrate): ${pending.join(', ')}` };
      }
      this.migrated = true;
      return healthySince(started);
    } catch (error) {
      this.logger.debug({ err: error }, 'database_check_failed');
      return { status: 'unhealthy', reason: this.databases.unwritable ? 'cannot be written to' : 'does not answer' };
    }
  }
}

@Module({
  imports: [AsyncModule, HealthModule],
  providers: [
    { provide: Databases, inject: [Config, Features, PinoLogger], useFactory: open },
    DatabaseHealth,
    DatabaseClocks,
    DatabaseTime,
    HeavyReads,
  ],
  exports: [Databases, DatabaseTime, HeavyReads],
})
export class DbModule {}
