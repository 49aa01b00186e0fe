import { StartError } from '../lifecycle/start.error';

export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

/** What a Redis URL says. */
export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  /** The server, or the sentinels, or some nodes of the cluster. */
  readonly hosts: readonly RedisHost[];
  readonly username?: string;
  readonly password?: string;
  /** What the sentinels call the set of servers. */
  readonly master?: string;
  readonly db: number;
}

const form = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:(.*)@)?([^/@]+)((?:\/[^/]*)*)$/s;

/**
 * `redis://[user:password@]host[:port][/db]`, `redis+sentinel://[user:password@]host[:port],.../name[/db]` or
 * `redis+cluster://[user:password@]host[:port],...`; `rediss`: over TLS. User and password are percent-encoded.
 * @throws StartError, without the URL
 */
export function parseRedisUrl(url: string): RedisAddress {
  const [, scheme, kind = 'single', credentials = '', hosts = '', path = ''] = form.exec(url) ?? [];
  if (scheme === undefined) throw bad('it is not one');
  const rest = path.split('/').filter((part) => part !== '');
  const master = kind === 'sentinel' ? rest.shift() : undefined;
  if (kind === 'sentinel' && master === undefined) throw bad('it does not say what the sentinels call the server');
  const [db = '0', ...more] = rest;
  if (!/^\d{1,5}$/.test(db) || more.length > 0) throw bad('a database of Redis is one number');
  if (kind === 'cluster' && db !== '0') throw bad('a cluster has only database 0');
  return {
    kind: kind as RedisAddress['kind'],
    tls: scheme === 'rediss',
    hosts: hosts.split(',').map((host) => hostOf(host, kind === 'sentinel' ? 26379 : 6379)),
    ...secrets(credentials),
    ...(master === undefined ? {} : { master }),
    db: Number(db),
  };
}

/** Where it is, without user and password. */
export function shownRedis({ hosts }: RedisAddress): string {
  return hosts.map(({ host, port }) => `${host}:${port}`).join(',');
}

function hostOf(text: string, defaultPort: number): RedisHost {
  const [, ipv6, name, port] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::(\d+))?$/i.exec(text) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined) throw bad('a host is not one');
  return { host, port: port === undefined ? defaultPort : Number(port) };
}

function secrets(credentials: string): { username?: string; password?: string } {
  if (credentials === '') return {};
  const [, username = '', password = ''] = /^([^:]*):?(.*)$/s.exec(credentials) ?? [];
  try {
    return {
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      password: decodeURIComponent(password),
    };
  } catch {
    throw bad('user and password must be percent-encoded');
  }
}

function bad(reason: string): StartError {
  return new StartError(`Aerie cannot start: a Redis URL cannot be used: ${reason}.`);
}
