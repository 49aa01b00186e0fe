import type { DatabaseKind } from './sql';

/** Where a database is, taken apart. `path` is for SQLite, the rest for servers. */
export interface DatabaseAddress {
  readonly kind: DatabaseKind;
  readonly path: string;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly database: string;
  readonly tls: false | { readonly rejectUnauthorized: boolean };
}

const kinds: Record<string, DatabaseKind> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mysql:': 'mysql',
  'mariadb:': 'mysql',
};
const nowhere = { path: '', host: '', port: 0, username: '', password: '', database: '', tls: false } as const;

// As libpq reads sslmode: "require" encrypts and believes any certificate, "verify-full" checks it.
function tlsOf(mode: string | null): DatabaseAddress['tls'] {
  if (mode === 'require' || mode === 'no-verify') return { rejectUnauthorized: false };
  return mode === 'verify-ca' || mode === 'verify-full' ? { rejectUnauthorized: true } : false;
}

/** Reads `sqlite:path`, `sqlite::memory:`, `postgres://...` or `mysql://...` (`?sslmode=` as libpq). Its errors show no part of the URL: it holds a password. */
export function parseDatabaseUrl(url: string): DatabaseAddress {
  if (url.startsWith('sqlite:') && url.length > 'sqlite:'.length) {
    return { ...nowhere, kind: 'sqlite', path: url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '') };
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const kind = parsed && kinds[parsed.protocol];
  if (!kind || !parsed.hostname) throw new Error('A database URL begins with sqlite:, postgres:// or mysql://');
  return {
    kind,
    path: '',
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(parsed.port) || (kind === 'postgres' ? 5432 : 3306),
    username: decodeURIComponent(parsed.username),
    password: decodeURIComponent(parsed.password),
    database: decodeURIComponent(parsed.pathname.slice(1)),
    tls: tlsOf(parsed.searchParams.get('sslmode')),
  };
}

/** A database URL as it may be shown: kind, host and name. */
export function shownDatabase(url: string): string {
  if (url.startsWith('sqlite:')) return url;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
