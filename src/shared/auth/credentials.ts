import type { IncomingHttpHeaders } from 'node:http';

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
  /** `x-aerie-subject`: on behalf of which player. */
  readonly subject?: string;
}

export function credentialsOf(headers: IncomingHttpHeaders, host: string | undefined): Credentials {
  const { authorization, origin, 'x-aerie-subject': subject, 'sec-fetch-site': fetchSite } = headers;
  return {
    ...(authorization === undefined ? {} : { authorization }),
    ...(host === undefined ? {} : { host }),
    forwarded: Object.keys(headers).some((name) => name === 'forwarded' || name.startsWith('x-forwarded-')),
    ...(origin === undefined ? {} : { origin: String(origin) }),
    ...(fetchSite === undefined ? {} : { fetchSite: String(fetchSite) }),
    ...(subject === undefined ? {} : { subject: String(subject) }),
  };
}
