import { isIP } from 'node:net';
import { type TlsChoice, takeTls } from './tls-words';
import { AddressError, decoded, notUnderstood, UrlOptions } from './url-options';

/** Where a database is, taken apart. `path` is for SQLite, the rest for servers. */
export interface DatabaseAddress {
  readonly kind: 'sqlite' | 'postgres' | 'mysql';
  readonly path: string;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly database: string;
  readonly tls: false | TlsChoice;
  /** Milliseconds; undefined: ours. */
  readonly connectTimeoutMs?: number;
  /** PostgreSQL: the session belongs to us for one transaction only, as behind PgBouncer. undefined: found out. */
  readonly pooled?: boolean;
  /** PostgreSQL: further settings, as `pg` names them. */
  readonly driver?: Readonly<Record<string, string | boolean>>;
}

const kinds: Record<string, DatabaseAddress['kind']> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mysql:': 'mysql',
  'mariadb:': 'mysql',
};
const nowhere = { path: '', host: '', port: 0, username: '', password: '', database: '', tls: false } as const;
const yes = /^(true|t|1|yes|on)$/i;
const no = /^(false|f|0|no|off)$/i;

/**
 * Reads `sqlite:path`, `sqlite::memory:`, `postgres://...` or `mysql://...` with the options of their drivers. Its errors
 * show no part of the URL: it holds a password.
 * @throws AddressError, also for an option that is not understood
 */
export function parseDatabaseUrl(url: string): DatabaseAddress {
  if (/^sqlite:/i.test(url)) return { ...nowhere, kind: 'sqlite', path: sqlitePath(url) };
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const kind = parsed && kinds[parsed.protocol];
  if (!/^(postgres(ql)?|mysql|mariadb):\/\//i.test(url))
    throw new AddressError('must be a URL that begins with sqlite:, postgres:// or mysql://');
  if (!kind || parsed.hash !== '')
    throw new AddressError(
      'is no URL: in user and password write %2F for /, %3F for ?, %23 for #, %40 for @, %25 for %',
    );
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  if (!/^[\w.-]+$|^[0-9a-f:.]+$/i.test(host))
    throw new AddressError('must name one host, as postgres://user:password@host/name does');
  const options = new UrlOptions(parsed.search.slice(1));
  const address = {
    kind,
    path: '',
    host,
    port: Number(parsed.port) || (kind === 'postgres' ? 5432 : 3306),
    username: decoded(parsed.username),
    password: decoded(parsed.password),
    database: decoded(parsed.pathname.slice(1)),
    ...(kind === 'postgres' ? postgresOptions(options) : mysqlOptions(options)),
  };
  options.end();
  // mysql2 would compare the certificate with the name localhost.
  const { tls } = address;
  if (kind === 'mysql' && isIP(host) !== 0 && tls !== false && tls.verifyIdentity)
    throw new AddressError('must name the server by a host name: the certificate of an IP address cannot be checked');
  return address;
}

/** `sqlite:name`, `sqlite://name`: relative · `sqlite:/name`, `sqlite:///name`: absolute. */
function sqlitePath(url: string): string {
  const path = url.slice('sqlite:'.length).replace(/^\/\//, '');
  if (path === '' || path.endsWith('/'))
    throw new AddressError('must name a file: begins with sqlite: and goes on with its path');
  if (/-(journal|wal|shm)$/.test(path))
    throw new AddressError('must not end in -journal, -wal or -shm: SQLite keeps its own files under such names');
  const query = path.indexOf('?');
  if (query >= 0) new UrlOptions(path.slice(query + 1)).end();
  if (query >= 0 || /^file:/i.test(path))
    throw new AddressError('takes the path of a file behind sqlite:, and no options');
  return path;
}

type Options = Pick<DatabaseAddress, 'tls' | 'connectTimeoutMs' | 'pooled' | 'driver'>;

function postgresOptions(options: UrlOptions): Options {
  const driver: Record<string, string | boolean> = {};
  const pass = (known: string, setting: string): void => {
    const value = options.take(known);
    if (value !== undefined) driver[setting] = value;
  };
  pass('applicationname', 'application_name');
  pass('fallbackapplicationname', 'fallback_application_name');
  pass('options', 'options');
  for (const known of ['clientencoding', 'charset', 'characterencoding']) options.takeIf(known, /^utf-?8$/i);
  for (const known of ['schema', 'currentschema']) options.takeIf(known, /^public$/);
  for (const known of ['keepalives', 'tcpkeepalive', 'uselibpqcompat', 'sslsni']) options.takeIf(known, yes);
  options.takeIf('sslcompression', no);
  options.takeIf('sslcertmode', /^allow$/);
  options.takeIf('gssencmode', /^(disable|prefer)$/);
  options.takeIf('targetsessionattrs', /^any$/);
  const tls = bound(options, driver, negotiated(options, driver, takeTls(options)));
  return { tls, driver, ...poolingOf(options), ...timeoutOf(options, { connecttimeout: 1000 }) };
}

/** `sslnegotiation=direct`: no plain word is exchanged at all. */
function negotiated(options: UrlOptions, driver: Record<string, string | boolean>, tls: TlsChoice | undefined) {
  const value = options.take('sslnegotiation');
  if (value === undefined || value === 'postgres') return tls;
  if (value !== 'direct' || tls === undefined) throw notUnderstood('sslnegotiation');
  driver.sslnegotiation = 'direct';
  return tls;
}

/** `channel_binding=require`: the driver binds where the server offers it; so that nobody can be in between, the certificate is checked as well. */
function bound(
  options: UrlOptions,
  driver: Record<string, string | boolean>,
  tls: TlsChoice | undefined,
): DatabaseAddress['tls'] {
  const value = options.take('channelbinding');
  if (value === undefined || value === 'disable') return tls ?? false;
  if (value !== 'prefer' && value !== 'require') throw notUnderstood('channel_binding');
  driver.enableChannelBinding = true;
  if (value === 'prefer') return tls ?? false;
  return { ...tls, rejectUnauthorized: true, verifyIdentity: true };
}

// In the words of Prisma, JDBC, Rails and sqlx.
function poolingOf(options: UrlOptions): Pick<DatabaseAddress, 'pooled'> {
  const pgbouncer = options.takeOption('pgbouncer');
  const prepared = options.takeOption('preparedstatements');
  const count = options.takeOption('preparethreshold', 'statementcachecapacity', 'statementcachesize');
  for (const option of [pgbouncer, prepared])
    if (option && !yes.test(option.value) && !no.test(option.value)) throw notUnderstood(option.name);
  if (count && !/^\d{1,6}$/.test(count.value)) throw notUnderstood(count.name);
  const pooled =
    (pgbouncer && yes.test(pgbouncer.value)) ||
    (prepared && no.test(prepared.value)) ||
    (count && Number(count.value) === 0);
  return pooled ? { pooled } : {};
}

function mysqlOptions(options: UrlOptions): Options {
  for (const known of ['charset', 'characterencoding']) options.takeIf(known, /^utf-?8(mb4)?(,utf8)?$/i);
  options.takeIf('collation', /^utf8mb4_\w+$/);
  // Of Go: how it hands times to its caller; none is ever asked for here.
  options.takeIf('parsetime', /^(true|false)$/i);
  options.take('loc');
  options.takeIf('allownativepasswords', yes);
  return { tls: takeTls(options) ?? false, ...timeoutOf(options, { connecttimeout: 1, timeout: 1 }) };
}

/** A time limit for connecting: a number in the driver's own unit (`units`: its milliseconds), or with one, as Go has it. */
function timeoutOf(
  options: UrlOptions,
  units: Readonly<Record<string, number>>,
): Pick<DatabaseAddress, 'connectTimeoutMs'> {
  for (const [known, unit] of Object.entries(units)) {
    const option = options.takeOption(known);
    if (!option) continue;
    const [, number, suffix = ''] = /^(\d{1,7})(ms|s|m)?$/.exec(option.value) ?? [];
    if (number === undefined) throw notUnderstood(option.name);
    const ms = Number(number) * ({ ms: 1, s: 1000, m: 60_000 }[suffix] ?? unit);
    // 0: no limit of its own.
    return ms === 0 ? {} : { connectTimeoutMs: ms };
  }
  return {};
}

/** A database URL as it may be shown: kind, host and name. */
export function shownDatabase(url: string): string {
  if (url.startsWith('sqlite:')) return url;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
