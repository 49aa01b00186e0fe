import type { Databases, Plan } from '../db/databases';
import { StartError } from '../lifecycle/start.error';

export interface MigrateOptions {
  /** The names of all migrations that this version has, also of features that run elsewhere. */
  readonly known: readonly string[];
  readonly dryRun: boolean;
}

/**
 * Brings the databases up to date, or says what that would do. Answers the line to be printed.
 * @throws StartError when a later version has migrated them: this one would run backwards
 */
export async function migrate(databases: Databases, { known, dryRun }: MigrateOptions): Promise<string> {
  try {
    const { applied, pending } = dryRun ? await databases.plan() : await connected(databases);
    const later = applied.filter((name) => !known.includes(name));
    if (later.length > 0)
      throw new StartError(
        `A later version has migrated these databases (${later.join(', ')}). Nothing was changed: run that version's migrate.`,
      );
    const names = dryRun ? pending : await databases.migrateAll();
    if (names.length === 0) return 'The databases are up to date.';
    return dryRun ? `To be migrated: ${names.join(', ')}` : `Migrated: ${names.join(', ')}`;
  } finally {
    await databases.closeAll();
  }
}

async function connected(databases: Databases): Promise<Plan> {
  await databases.connectAll();
  return { applied: await databases.appliedMigrations(), pending: [] };
}
