import type { LimitLeft } from '../errors/app-error';
import { type AnswerFacts, factsOf } from './answer';
import type { RouteEntry } from './route-table';

/** The headers of HTTP answers, for the document. */
export const answerHeaders = {
  'X-Trace-ID': text('Of this request; every line of the log about it has it', '4bf92f3577b34da6a3ce929d0e0e4736'),
  'Retry-After': text('After how many seconds to try again', '1'),
  'Idempotent-Replayed': text('true: the effect and the answer are those of an earlier request', 'true'),
  ETag: text('Of this version of the answer, for If-None-Match, and for If-Match where a call takes it', '"1"'),
  RateLimit: text('What is left of each limit, and in how many seconds it is whole again', '"account";r=4;t=60'),
  'RateLimit-Policy': text('Each limit and its seconds', '"account";q=5;w=60'),
  'Cache-Control': text('How long caches may keep the answer', 'public, no-cache'),
  Location: text('Where what was made is', '/things/01KAJ0000000000000000000AA'),
} as const;

export type AnswerHeader = keyof typeof answerHeaders;

function text(description: string, example: string): object {
  return { description, example, schema: { type: 'string' } };
}

/** Which headers tell a fact. */
export const headersOfFact: Readonly<Record<keyof AnswerFacts, readonly AnswerHeader[]>> = {
  version: ['ETag'],
  cache: ['Cache-Control'],
  replayed: ['Idempotent-Replayed'],
  limits: ['RateLimit', 'RateLimit-Policy'],
  secret: ['Cache-Control'],
  json: [],
};

// Ours can be asked whether anything has changed at the cost of the question; proxies and browsers keep the answer.
// Source: RFC 9111
const noStore = 'no-store';
const cacheControl = { ask: 'public, no-cache', final: 'public, max-age=86400, immutable' } as const;

/** The facts of an answer as HTTP headers and gRPC trailers, in lower case. */
export function headersOf(body: object, { location }: Pick<RouteEntry, 'location'>): Record<string, string> {
  const { version, cache, replayed, limits, secret } = factsOf(body);
  const headers: Record<string, string> = {};
  if (version !== undefined) headers.etag = `"${version}"`;
  if (cache !== undefined) headers['cache-control'] = cacheControl[cache];
  if (secret) headers['cache-control'] = noStore;
  if (replayed !== undefined) headers['idempotent-replayed'] = 'true';
  if (limits) Object.assign(headers, limitHeaders(limits));
  if (location !== undefined) headers.location = filled(location, body as Record<string, unknown>);
  return headers;
}

/** The facts that an answer's headers or trailers, in lower case, tell. `replayed`: what a replay of this call is. */
export function factsOfHeaders(
  header: (name: string) => string | undefined,
  replayed: NonNullable<AnswerFacts['replayed']>,
): AnswerFacts {
  const version = /^(?:W\/)?"(.*)"$/.exec(header('etag') ?? '')?.[1];
  const cached = header('cache-control');
  const cache = (['ask', 'final'] as const).find((kind) => cacheControl[kind] === cached);
  const limits = limitsOf(header('ratelimit-policy'), header('ratelimit'));
  return {
    ...(version === undefined ? {} : { version }),
    ...(cache === undefined ? {} : { cache }),
    ...(cached === noStore ? { secret: true } : {}),
    ...(header('idempotent-replayed') === 'true' ? { replayed } : {}),
    ...(limits.length === 0 ? {} : { limits }),
  };
}

const spelledPolicy = /^"([\w-]{1,64})";q=(\d{1,15});w=(\d{1,15})$/;
const spelledRest = /^"([\w-]{1,64})";r=(\d{1,15});t=(\d{1,15})$/;

/** What `limitHeaders` has spelled; anything else is left out. */
export function limitsOf(policy: string | undefined, left: string | undefined): LimitLeft[] {
  const rest = new Map<string, RegExpExecArray>();
  for (const part of (left ?? '').split(', ')) {
    const found = spelledRest.exec(part);
    if (found) rest.set(found[1] ?? '', found);
  }
  return (policy ?? '').split(', ').flatMap((part) => {
    const [, name, max, windowSeconds] = spelledPolicy.exec(part) ?? [];
    if (name === undefined) return [];
    const [, , remaining = 0, seconds = 0] = rest.get(name) ?? [];
    const limit = { name, max: Number(max), windowSeconds: Number(windowSeconds) };
    return [{ limit, remaining: Number(remaining), resetMs: Number(seconds) * 1000 }];
  });
}

/** Spells what is left of each limit, and the limits. Source: draft-ietf-httpapi-ratelimit-headers */
export function limitHeaders(limits: readonly LimitLeft[]): Readonly<Record<string, string>> {
  return {
    'ratelimit-policy': limits.map(({ limit }) => `"${limit.name}";q=${limit.max};w=${limit.windowSeconds}`).join(', '),
    ratelimit: limits
      .map(({ limit, remaining, resetMs }) => `"${limit.name}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`)
      .join(', '),
  };
}

function filled(template: string, body: Readonly<Record<string, unknown>>): string {
  return template.replace(/:([A-Za-z]+)/g, (_all, name: string) => encodeURIComponent(String(body[name])));
}
