import { type AnswerHeader, headersOfFact } from '../contract/answer-headers';
import type { CallDocs } from '../contract/call-docs';
import type { Access, Route } from '../contract/contract';
import type { Page } from '../contract/page';
import type { Json, Schemas } from './openapi.schemas';
import type { ProtoMessage } from './proto-messages';

interface Answered {
  readonly route: Route;
  readonly docs: CallDocs;
  readonly answer: ProtoMessage;
}

// Errors that any call can have; a call's own come from its messages.
const everyCall: Record<number, readonly string[]> = {
  400: ['validation_failed', 'malformed_json'],
  413: ['body_too_large'],
  415: ['unsupported_media_type'],
  500: ['internal'],
  503: ['unavailable'],
  504: ['deadline_exceeded'],
};
const wrongCredentials = { 401: ['token_invalid', 'secret_unknown'] };
const ofAccess: Readonly<Record<Access, Record<number, readonly string[]>>> = {
  public: {},
  optional: wrongCredentials,
  token: { ...wrongCredentials, 403: ['forbidden'] },
  player: { ...wrongCredentials, 403: ['forbidden'] },
  admin: { ...wrongCredentials, 403: ['forbidden'] },
};
// May come right by themselves.
const passing = new Set(['resource_busy', 'in_progress', 'rate_limited', 'player_throttled', 'player_blocked']);

/** The responses of one call, by status. */
export function responses(call: Answered, schemas: Schemas): Json {
  const { route, docs } = call;
  const status = docs.status ?? 200;
  const done = success(status, call, schemas);
  const found: Json = { [status]: done };
  if (docs.replayed) found[200] = { ...done, description: 'Was done before: Idempotent-Replayed: true' };
  if (isConditional(route, docs))
    found[304] = { description: 'What If-None-Match names is still so', headers: headers('X-Trace-ID', 'ETag') };
  const errors = [everyCall, ofAccess[route.access], docs.errors ?? {}];
  const codes = new Map<string, string[]>();
  for (const [code, names] of errors.flatMap((table) => Object.entries(table)))
    codes.set(code, [...(codes.get(code) ?? []), ...names]);
  for (const [code, names] of codes) found[code] = failure(names, docs);
  return found;
}

/** The responses of a page, by status. */
export function pageResponses({ answers, errors: own = {}, access = 'public' }: Page, schemas: Schemas): Json {
  const found = Object.entries(answers).map(([status, { description, contentType, schema, example }]) => [
    status,
    {
      description,
      headers: headers('X-Trace-ID'),
      content: { [contentType ?? 'application/json']: { schema: schemas.plain(schema, 'output'), example } },
    },
  ]);
  const errors = { 400: ['validation_failed'], ...ofAccess[access], ...own };
  const failures = Object.entries(errors).map(([status, names]) => [status, failure(names)]);
  return { ...Object.fromEntries(failures), ...Object.fromEntries(found) };
}

/** True for a read that answers 304 to a caller who has its answer already. */
export function isConditional({ http }: Route, { facts }: CallDocs): boolean {
  return http.startsWith('GET ') && facts?.includes('version') === true;
}

function success(status: number, { route, docs, answer }: Answered, schemas: Schemas): Json {
  const replays =
    Object.values(docs.errors ?? {})
      .flat()
      .includes('idempotency_key_reused') || docs.replayed;
  const told = headers(
    'X-Trace-ID',
    ...(replays ? ['Idempotent-Replayed' as const] : []),
    ...(route.location ? ['Location' as const] : []),
    ...(docs.facts ?? []).flatMap((fact) => headersOfFact[fact]),
  );
  if (status === 204) return { description: 'Done', headers: told };
  const schema = schemas.answer(docs.answer, answer);
  const content = { 'application/json': { schema, example: docs.example.answer } };
  return { description: 'Done', headers: told, content };
}

function failure(names: readonly string[], docs?: CallDocs): Json {
  const limited = names.includes('rate_limited') && docs?.facts?.includes('limits') ? headersOfFact.limits : [];
  const later = names.some((name) => passing.has(name)) ? ['Retry-After' as const] : [];
  return {
    description: [...new Set(names)].join(' | '),
    headers: headers('X-Trace-ID', ...later, ...limited),
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  };
}

function headers(...names: readonly AnswerHeader[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
