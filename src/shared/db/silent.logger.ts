import type { Logger } from 'typeorm';

/** Says nothing: TypeORM prints to the console what it also throws, and statements hold personal data. */
export class SilentLogger implements Logger {
  logQuery(): void {}
  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}
