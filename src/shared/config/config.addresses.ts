import { z } from 'zod';

const dsn = /^(?:([^:@/]*)(?::(.*))?@)?tcp\(([^()\s]+)\)\/([^/?#\s]+)(?:\?(.*))?$/s;
// Go's words for libpq's: https://pkg.go.dev/github.com/go-sql-driver/mysql#readme-tls
const tlsModes: Readonly<Record<string, string>> = {
  true: 'verify-full',
  'skip-verify': 'require',
  preferred: 'require',
};

/** A MySQL address, also as Go's driver spells it (`user:password@tcp(host:3306)/db?tls=true`): comes out as a URL. */
export function goDsn() {
  return z.string().transform((text, context): string => {
    const found = /^(mysql|mariadb):\/\//.test(text) ? text : fromGo(text);
    if (found !== undefined && URL.canParse(found)) return found;
    context.addIssue({ code: 'custom', message: 'must be user:password@tcp(host:3306)/db or mysql://...' });
    return z.NEVER;
  });
}

function fromGo(text: string): string | undefined {
  const [, user = '', password = '', address, name, options = ''] = dsn.exec(text) ?? [];
  if (address === undefined || name === undefined) return undefined;
  const mode = tlsModes[new URLSearchParams(options).get('tls') ?? ''];
  const credentials = user === '' ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
  return `mysql://${credentials}${address}/${encodeURIComponent(name)}${mode === undefined ? '' : `?sslmode=${mode}`}`;
}

const redisReason =
  'must be redis://host:6379, redis+sentinel://host:26379,host:26379/name or redis+cluster://host:6379,host:6379';
const oneHost = String.raw`([A-Za-z0-9_.-]+|\[[0-9a-fA-F:.]+\])(:[1-9]\d{0,4})?`;
const credentials = String.raw`([^@/\s]*@)?`;
const redisForms = [
  new RegExp(String.raw`^rediss?://${credentials}${oneHost}(/\d{0,5})?$`),
  new RegExp(String.raw`^rediss?\+sentinel://${credentials}${oneHost}(,${oneHost})*/[\w.-]+(/\d{0,5})?$`),
  new RegExp(String.raw`^rediss?\+cluster://${credentials}${oneHost}(,${oneHost})*(/0?)?$`),
];

/** One server, a set of sentinels and the name that they watch, or some nodes of a cluster. `rediss`: over TLS. */
export function redisUrl() {
  return z.string().refine((text) => redisForms.some((form) => form.test(text)), redisReason);
}

/** `host:port`, comes out as a URL. */
export function redisAddress() {
  return z
    .string()
    .regex(/^[A-Za-z0-9.-]+:\d{1,5}$/, 'must be host:port')
    .transform((text) => `redis://${text}`);
}
