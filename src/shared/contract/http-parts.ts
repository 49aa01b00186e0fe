import { z } from 'zod';
import type { FieldViolation } from '../errors/app-error';
import { validationFailed } from '../errors/common.errors';
import { fieldPath } from './dto';

/** How a call's message is spread over its request. */
export interface Spread {
  /** Path and query; otherwise path and body. */
  readonly inQuery: boolean;
  /** Names that trackers add to public links are passed over: `utm_*` and `_`. */
  readonly tracked?: boolean;
  /** null clears the field. */
  readonly patch?: boolean;
}

/** A request as HTTP brings it, before it is one message. Path and query are text; a body value is already typed. */
export class HttpParts {
  constructor(
    readonly path: Readonly<Record<string, string>>,
    readonly query: Readonly<Record<string, string | string[]>>,
    readonly body: unknown,
    readonly spread: Spread,
  ) {}
}

type TextKind = 'number' | 'boolean' | 'text';
const kindsBySchema = new WeakMap<z.ZodType, ReadonlyMap<string, TextKind>>();

/**
 * One message out of path and query, or of path and body. Path and query text becomes what the schema says (canonical
 * decimals, true and false only); body values are taken as they are.
 * @throws AppError validation_failed for a name in two places or in the wrong one, a repeated query name, a body that is no
 * object
 */
export function mergeParts(parts: HttpParts, schema: z.ZodType): Record<string, unknown> {
  const kinds = textKinds(schema);
  const { inQuery, tracked, patch } = parts.spread;
  const refused: FieldViolation[] = [];
  const refuse = (name: string, message: string): number => refused.push({ field: fieldPath([name]), message });
  // Without a prototype: setting `__proto__` would make the name vanish instead of being refused.
  const message: Record<string, unknown> = Object.create(null);
  const put = (name: string, value: unknown): void => {
    if (Object.hasOwn(message, name)) refuse(name, 'is given in two places');
    message[name] = value;
  };
  for (const [name, value] of Object.entries(parts.path)) put(name, fromText(value, kinds.get(name)));
  for (const [name, value] of Object.entries(parts.query)) {
    if (tracked && (name === '_' || name.startsWith('utm_'))) continue;
    // Proxies write query strings into their logs, and a form on any page can send one: bodies have neither fault.
    if (!inQuery) refuse(name, 'is not taken from the query: it belongs into the body');
    else if (Array.isArray(value)) refuse(name, 'is given more than once');
    else put(name, fromText(value, kinds.get(name)));
  }
  const { body } = parts;
  if (body !== undefined && inQuery) refuse('body', 'is not taken by this call');
  else if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    for (const [name, value] of Object.entries(body)) put(name, value);
    if (patch) clearNulls(message, schema, refuse);
  } else if (body !== undefined) refuse('body', 'must be an object');
  if (refused.length > 0) throw validationFailed(refused);
  return message;
}

/** `{"age": null}` is how HTTP spells `clear: ["age"]`. Source: RFC 7396, JSON Merge Patch */
function clearNulls(
  message: Record<string, unknown>,
  schema: z.ZodType,
  refuse: (name: string, message: string) => number,
): void {
  const clearable = clearableNames(schema);
  const cleared = Object.keys(message).filter((name) => message[name] === null);
  for (const name of cleared) {
    delete message[name];
    if (!clearable.includes(name)) refuse(name, 'cannot be cleared');
  }
  if (cleared.length > 0) message.clear = [...(Array.isArray(message.clear) ? message.clear : []), ...cleared];
}

/** The names that the schema's `clear` lists: null clears them, over HTTP. */
export function clearableNames(schema: z.ZodType): readonly string[] {
  let clear = schema instanceof z.ZodObject ? (schema.shape.clear as z.ZodType | undefined) : undefined;
  while (clear instanceof z.ZodOptional || clear instanceof z.ZodDefault) clear = clear.unwrap() as z.ZodType;
  const element = clear instanceof z.ZodArray ? clear.element : undefined;
  return element instanceof z.ZodEnum ? (element.options as string[]) : [];
}

function fromText(text: string, kind: TextKind | undefined): unknown {
  if (kind === 'number' && /^(0|-?[1-9][0-9]{0,15})$/.test(text)) return Number(text);
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function textKinds(schema: z.ZodType): ReadonlyMap<string, TextKind> {
  let kinds = kindsBySchema.get(schema);
  if (!kinds) {
    const shape = schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {};
    kinds = new Map(Object.entries(shape).map(([name, field]) => [name, textKind(field)]));
    kindsBySchema.set(schema, kinds);
  }
  return kinds;
}

function textKind(field: z.ZodType): TextKind {
  let inner = field;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) inner = inner.unwrap() as z.ZodType;
  if (inner instanceof z.ZodNumber) return 'number';
  return inner instanceof z.ZodBoolean ? 'boolean' : 'text';
}
