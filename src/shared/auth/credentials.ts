import type { IncomingHttpHeaders } from 'node:http';

/** The headers, and metadata, in which one process tells another who has called it. */
export const behalfHeaders = {
  subject: 'x-aerie-subject',
  role: 'x-aerie-role',
  token: 'x-aerie-token',
  clientAddress: 'x-aerie-client-address',
  hops: 'x-aerie-hops',
} as const satisfies Record<keyof Behalf, string>;

/** The subject of a call on behalf of nobody in particular. No user has this id. */
export const anonymousSubject = 'anonymous';

/** The credentials of a call, the same on both wires. */
export interface Credentials {
  /** The `Authorization` header or metadata. */
  readonly authorization?: string;
  /** The `Host` header or `:authority`. */
  readonly host?: string;
  /** True when a proxy says that it has forwarded the call. */
  readonly forwarded: boolean;
  /** `Origin`: the page that a browser calls for. */
  readonly origin?: string;
  /** `Sec-Fetch-Site`: how that page stands to us, in a browser's own words. */
  readonly fetchSite?: string;
  /** What another process says of who has called it; believed only with the internal secret. */
  readonly behalf: Behalf;
}

/** On whose behalf another process calls. */
export interface Behalf {
  /** `x-aerie-subject`: the user, or `anonymous`. */
  readonly subject?: string;
  /** `x-aerie-role`: `admin`, when the user is one. */
  readonly role?: string;
  /** `x-aerie-token`: the id of the user's token and when it expires, `<ULID> <milliseconds since 1970>`. */
  readonly token?: string;
  /** `x-aerie-client-address`: from where the user called. */
  readonly clientAddress?: string;
  /** `x-aerie-hops`: through how many processes the call has come. */
  readonly hops?: string;
}

export function credentialsOf(headers: IncomingHttpHeaders, host: string | undefined): Credentials {
  const { authorization, origin, 'sec-fetch-site': fetchSite } = headers;
  return {
    ...(authorization === undefined ? {} : { authorization }),
    ...(host === undefined ? {} : { host }),
    forwarded: Object.keys(headers).some((name) => name === 'forwarded' || name.startsWith('x-forwarded-')),
    ...(origin === undefined ? {} : { origin: String(origin) }),
    ...(fetchSite === undefined ? {} : { fetchSite: String(fetchSite) }),
    behalf: behalfOf(headers),
  };
}

function behalfOf(headers: IncomingHttpHeaders): Behalf {
  const said = Object.entries(behalfHeaders).flatMap(([fact, name]) => {
    const value = headers[name];
    return value === undefined ? [] : [[fact, String(value)]];
  });
  return Object.fromEntries(said);
}
