import { z } from 'zod';
import { list } from './config.values';
import { parseDatabaseUrl } from './database-url';
import { parseRedisUrl } from './redis-url';
import { parseSqsUrl } from './sqs-url';
import { AddressError } from './url-options';

const dsn = /^(?:([^:@/]*)(?::(.*))?@)?tcp\(([^()\s]+)\)\/([^/?#\s]+)(?:\?(.*))?$/s;

/** `sqlite:path`, `postgres://...`, `mysql://...`, with nothing in it that is not understood. */
export function databaseUrl() {
  return z.string().superRefine(checkedBy(parseDatabaseUrl));
}

/** A MySQL address, also as Go's driver spells it (`user:password@tcp(host:3306)/db?tls=true`): comes out as a URL. */
export function goDsn() {
  const form = 'must be user:password@tcp(host:3306)/db or mysql://...';
  return z
    .string()
    .transform((text, context): string => {
      const found = /^(mysql|mariadb):\/\//.test(text) ? text : fromGo(text);
      if (found !== undefined) return found;
      context.addIssue({ code: 'custom', message: form });
      return z.NEVER;
    })
    .superRefine(checkedBy(parseDatabaseUrl));
}

// The user and the password stand there as they are, everything else as in a URL.
function fromGo(text: string): string | undefined {
  const [, user = '', password = '', address, name, options] = dsn.exec(text) ?? [];
  if (address === undefined || name === undefined) return undefined;
  const credentials = user === '' ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
  return `mysql://${credentials}${address}/${name}${options === undefined ? '' : `?${options}`}`;
}

// Without credentials, query or fragment; host names, IPv4, or IPv6 in brackets.
const service =
  /^(grpcs?:\/\/([\w.-]+|\[[\da-f:.]+\]):\d{1,5}|https?:\/\/([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?(\/[\w./-]*)?)$/i;

// Each has a connection and a breaker, and is asked who is there.
const maxAddresses = 100;

/** The processes of a feature: `grpc://host:port` and `http://host:port`, with TLS `grpcs` and `https`. */
export function serviceAddresses() {
  return list()
    .refine((items) => items.length <= maxAddresses, `must be ${maxAddresses} addresses at most`)
    .refine(
      (items) =>
        items.every((item) => service.test(item) && URL.canParse(item)) && new Set(items).size === items.length,
      'must be addresses such as grpc://host:9090 or http://host:8080, each once, comma-separated',
    );
}

/** One server, a set of sentinels and the name that they watch, or some nodes of a cluster. `rediss`: over TLS. */
export function redisUrl() {
  return z.string().superRefine(checkedBy(parseRedisUrl));
}

/** The queues of an account whose names have one beginning. */
export function sqsUrl() {
  return z.string().superRefine(checkedBy(parseSqsUrl));
}

/** `host:port`, comes out as a URL. */
export function redisAddress() {
  return z
    .string()
    .regex(/^[A-Za-z0-9.-]+:\d{1,5}$/, 'must be host:port')
    .transform((text) => `redis://${text}`);
}

/** The parser's objection to an address is the reason why its variable is refused. */
function checkedBy(parse: (text: string) => unknown): (text: string, context: z.RefinementCtx) => void {
  return (text, context) => {
    try {
      parse(text);
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  };
}
