import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Jobs, type NamedJobs } from '../async/jobs';
import { Worker } from '../async/worker';
import { Clock } from '../clock/clock';
import type { Database } from './database';
import { Databases } from './databases';

const everyMs = 30_000;
const texts = {
  postgres: 'SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS shown',
  // Whole seconds; no time zone comes in.
  mysql: 'SELECT UNIX_TIMESTAMP() * 1000 AS shown',
} as const;

/** Compares this process's clock with those of its database servers: several processes may write by theirs. */
@Injectable()
export class DatabaseClocks extends Worker implements OnModuleInit {
  constructor(
    private readonly databases: Databases,
    private readonly clock: Clock,
    jobs: Jobs,
  ) {
    super(jobs, { everyMs, atOnce: true });
  }

  onModuleInit(): void {
    for (const [name] of this.servers()) this.clock.await(name);
  }

  protected override work(): NamedJobs {
    return { 'database.clocks': () => this.compare() };
  }

  async compare(): Promise<void> {
    for (const [name, database] of this.servers()) {
      const began = this.clock.now();
      this.clock.compare(name, await this.shownBy(database), began);
    }
  }

  /** Milliseconds since 1970. */
  async shownBy(database: Database): Promise<number> {
    const text = texts[database.kind as keyof typeof texts];
    const [row] = await database.read((sql) => sql.rows<{ shown: number }>(text));
    return Number(row?.shown);
  }

  /** By kind, those after the first numbered. */
  private servers(): [name: string, Database][] {
    const servers = this.databases.all.filter(({ embedded }) => !embedded);
    return servers.map((server, i) => [i === 0 ? server.kind : `${server.kind}-${i + 1}`, server]);
  }
}
