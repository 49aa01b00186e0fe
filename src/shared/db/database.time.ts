import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock';
import type { Sql } from './sql';

const texts = {
  postgres: 'SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS shown',
  mysql: 'SELECT CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED) AS shown',
} as const;

/** The clock that decides what has expired: a database server's, which all processes share; on SQLite this process's. */
@Injectable()
export class DatabaseTime {
  constructor(private readonly clock: Clock) {}

  /** Milliseconds since 1970, by the database that `sql` speaks to. */
  async nowIn(sql: Sql): Promise<number> {
    if (sql.kind === 'sqlite') return this.clock.steady();
    const [row] = await sql.rows<{ shown: number }>(texts[sql.kind]);
    return Number(row?.shown);
  }
}
