import { type TlsChoice, takeTls } from './tls-words';
import { AddressError, decoded, notUnderstood, UrlOptions } from './url-options';

export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

/** A parsed Redis URL. */
export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly tls: TlsChoice | undefined;
  /** The server, or the sentinels, or some nodes of the cluster. */
  readonly hosts: readonly RedisHost[];
  readonly username?: string;
  readonly password?: string;
  /** The name that the sentinels have for the set of servers. */
  readonly master?: string;
  readonly db: number;
  /** 4 or 6: only addresses of this kind; 0: both. */
  readonly family?: number;
  readonly name?: string;
}

const form = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^?]*)@)?([^/@?#\s]+)((?:\/[^/?#\s]*)*)(?:\?([^#\s]*))?$/s;
const reason =
  'must be redis://host:6379, redis+sentinel://host:26379,host:26379/name or redis+cluster://host:6379,host:6379';

/**
 * `redis://[user:password@]host[:port][/db]`, `redis+sentinel://[user:password@]host[:port],.../name[/db]` or
 * `redis+cluster://[user:password@]host[:port],...`; `rediss`, or an option that asks for it: over TLS. User and password
 * are percent-encoded.
 * @throws AddressError, without the URL, also for an option that is not understood
 */
export function parseRedisUrl(url: string): RedisAddress {
  const [, scheme, kind = 'single', credentials = '', hosts = '', path = '', query = ''] = form.exec(url) ?? [];
  if (scheme === undefined) throw new AddressError(reason);
  const options = new UrlOptions(query);
  const rest = path.split('/').slice(1);
  if (rest.at(-1) === '') rest.pop();
  const master = kind === 'sentinel' ? rest.shift() : undefined;
  if (kind === 'sentinel' && !/^[\w.-]+$/.test(master ?? ''))
    throw new AddressError('does not say what the sentinels call the server: redis+sentinel://host/name');
  const address = {
    kind: kind as RedisAddress['kind'],
    tls: takeTls(options, scheme === 'rediss'),
    hosts: hosts.split(',').map((host) => hostOf(host, kind === 'sentinel' ? 26379 : 6379)),
    ...secrets(credentials),
    ...(master === undefined ? {} : { master }),
    db: databaseOf(rest, options),
    ...taken(options),
  };
  options.end();
  if (kind === 'single' && address.hosts.length > 1) throw new AddressError(reason);
  if (kind === 'cluster' && address.db !== 0) throw new AddressError('names a database: a cluster has only database 0');
  return address;
}

/** Where it is, without user and password. */
export function shownRedis({ hosts }: RedisAddress): string {
  return hosts.map(({ host, port }) => `${host}:${port}`).join(',');
}

function databaseOf(path: readonly string[], options: UrlOptions): number {
  const asked = options.take('db');
  const [db = asked ?? '0', ...more] = path;
  if (!/^\d{1,5}$/.test(db) || more.length > 0 || (asked !== undefined && asked !== db))
    throw new AddressError('must name its database by one number');
  return Number(db);
}

function taken(options: UrlOptions): Pick<RedisAddress, 'family' | 'name'> {
  const { name: spelled = '', value: family } = options.takeOption('family') ?? {};
  if (family !== undefined && !/^[046]$/.test(family)) throw notUnderstood(spelled);
  options.takeIf('protocol', /^2$/);
  const name = options.take('clientname');
  return { ...(family === undefined ? {} : { family: Number(family) }), ...(name === undefined ? {} : { name }) };
}

function hostOf(text: string, defaultPort: number): RedisHost {
  const [, ipv6, name, port] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::([1-9]\d{0,4}))?$/i.exec(text) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined) throw new AddressError(reason);
  return { host, port: port === undefined ? defaultPort : Number(port) };
}

function secrets(credentials: string): { username?: string; password?: string } {
  if (credentials === '') return {};
  const [, username = '', password = ''] = /^([^:]*):?(.*)$/s.exec(credentials) ?? [];
  return { ...(username === '' ? {} : { username: decoded(username) }), password: decoded(password) };
}
