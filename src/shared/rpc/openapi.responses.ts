import { z } from 'zod';
import type { AnswerHeader } from './answer-headers';
import type { Route } from './contract';
import type { MessageDocs } from './messages';
import type { Page } from './page';

type Json = Record<string, unknown>;

// Errors that any call can have; a call's own come from its messages.
const everyCall: Record<number, readonly string[]> = {
  400: ['validation_failed', 'malformed_json'],
  413: ['body_too_large'],
  415: ['unsupported_media_type'],
  500: ['internal'],
  503: ['unavailable'],
  504: ['deadline_exceeded'],
};
const guarded: Record<number, readonly string[]> = { 401: ['token_invalid'], 403: ['forbidden'] };
// May come right by themselves.
const passing = new Set(['resource_busy', 'in_progress', 'rate_limited', 'player_throttled', 'player_blocked']);

/** The responses of one call, by status. */
export function responses(route: Route, docs: MessageDocs): Json {
  const status = docs.status ?? 200;
  const found: Json = { [status]: success(status, docs) };
  if (docs.replayed) found[200] = { ...success(200, docs), description: 'Was done before: Idempotent-Replayed: true' };
  const errors = [everyCall, route.access === 'public' ? {} : guarded, docs.errors ?? {}];
  const codes = new Map<string, string[]>();
  for (const [code, names] of errors.flatMap((table) => Object.entries(table)))
    codes.set(code, [...(codes.get(code) ?? []), ...names]);
  for (const [code, names] of codes) found[code] = failure(names, docs);
  return found;
}

/** The responses of a page, by status. */
export function pageResponses({ answers }: Page): Json {
  const found = Object.entries(answers).map(([status, { description, contentType, schema, example }]) => [
    status,
    {
      description,
      headers: headers('X-Trace-ID'),
      content: { [contentType ?? 'application/json']: { schema: schemaOf(schema, 'output'), example } },
    },
  ]);
  return Object.fromEntries(found);
}

/** A schema as JSON Schema, of what is sent (`input`) or what is answered (`output`). */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return rest;
}

function success(status: number, docs: MessageDocs): Json {
  const replays =
    Object.values(docs.errors ?? {})
      .flat()
      .includes('idempotency_key_reused') || docs.replayed;
  const told = headers('X-Trace-ID', ...(replays ? ['Idempotent-Replayed' as const] : []), ...(docs.answers ?? []));
  if (status === 204) return { description: 'Done', headers: told };
  const content = { 'application/json': { schema: schemaOf(docs.answer, 'output'), example: docs.example.answer } };
  return { description: 'Done', headers: told, content };
}

function failure(names: readonly string[], docs: MessageDocs): Json {
  const limited = names.includes('rate_limited') ? (docs.answers ?? []) : [];
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
