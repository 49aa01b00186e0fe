import { statSync } from 'node:fs';
import { loadDriver } from './sqlite.driver';

/**
 * The names of the migrations that a SQLite file has, which others may be using; none where it is not there. Nothing is made
 * or changed. @throws the error of the file system or the driver
 */
export function migrationsIn(path: string): string[] {
  if (path === ':memory:' || !statSync(path, { throwIfNoEntry: false })) return [];
  const file = new (loadDriver())(path, { readonly: true, timeout: 10_000 });
  try {
    if (!file.prepare("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").get()) return [];
    const rows = file.prepare('SELECT name FROM migrations ORDER BY id').all() as { readonly name: string }[];
    return rows.map(({ name }) => name);
  } finally {
    file.close();
  }
}
