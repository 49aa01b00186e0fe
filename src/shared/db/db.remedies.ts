import { ClaimedError } from './sqlite.claim';

const rights = 'Give this user the right to write there, or name another place.';
const noPlace = 'Name a place where files can be made.';
const remedies: Readonly<Record<string, string>> = {
  '28P01': 'Give its URL the right password.',
  '28000': 'Give its URL a user that the server lets in from here (pg_hba.conf).',
  '3D000': 'Make the database, or name one that is there.',
  ER_ACCESS_DENIED_ERROR: 'Give its URL the right user and password.',
  ER_DBACCESS_DENIED_ERROR: 'Grant the user its database.',
  ER_BAD_DB_ERROR: 'Make the database, or name one that is there.',
  ECONNREFUSED: 'Start the server, or name the host and port where it listens.',
  ENOTFOUND: 'Name a host that can be found from here.',
  SQLITE_NOTADB: 'Restore the file from a backup: it is no database.',
  SQLITE_CORRUPT: 'Restore the file from a backup: it is damaged.',
  SQLITE_CANTOPEN: rights,
  SQLITE_READONLY: rights,
  SQLITE_FULL: 'Make room on its disk.',
  EACCES: rights,
  EPERM: rights,
  EROFS: rights,
  ENOSPC: 'Make room on its disk.',
  ENOENT: noPlace,
  ENOTDIR: 'Name a folder: a file is in its way.',
  EEXIST: 'Name a folder: a file is in its way.',
};

/** What to do about a database, or a file of one, that cannot be used. Undefined for what nobody foresaw. */
export function knownRemedy(error: unknown): string | undefined {
  if (error instanceof ClaimedError) return 'Stop that process first, or name another file.';
  const { code = '' } = ((error as Error | undefined)?.cause ?? error ?? {}) as { readonly code?: unknown };
  // SQLite's extended codes say where in the system it failed.
  return remedies[String(code)] ?? remedies[/^SQLITE_[A-Z]+/.exec(String(code))?.[0] ?? ''];
}

/** As `knownRemedy`, for a database at `where`: there is always something to look at. */
export function remedyOf(error: unknown, where: string): string {
  return knownRemedy(error) ?? `See that ${where} can be reached from here, and what its log says.`;
}
