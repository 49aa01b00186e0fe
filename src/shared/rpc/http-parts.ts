import { z } from 'zod';
import type { FieldViolation } from '../errors/app-error';
import { validationFailed } from '../errors/common.errors';
import { fieldPath } from './dto';

/** A request as HTTP brings it, before it is one message. Path and query are text; a body value is already typed. */
export class HttpParts {
  constructor(
    readonly path: Readonly<Record<string, string>>,
    readonly query: Readonly<Record<string, string | string[]>>,
    readonly body: unknown,
  ) {}
}

type TextKind = 'number' | 'boolean' | 'text';
const kindsBySchema = new WeakMap<z.ZodType, ReadonlyMap<string, TextKind>>();

/**
 * One message out of path, query and body. Path and query text becomes what the schema says (canonical decimals,
 * true and false only); body values are taken as they are.
 * @throws AppError validation_failed for a name in two places, a repeated query name, a body that is no object.
 */
export function mergeParts(parts: HttpParts, schema: z.ZodType): Record<string, unknown> {
  const kinds = textKinds(schema);
  const refused: FieldViolation[] = [];
  // Without a prototype: setting `__proto__` would make the name vanish instead of being refused.
  const message: Record<string, unknown> = Object.create(null);
  const put = (name: string, value: unknown): void => {
    if (Object.hasOwn(message, name)) refused.push({ field: fieldPath([name]), message: 'is given in two places' });
    message[name] = value;
  };
  for (const [name, value] of Object.entries(parts.path)) put(name, fromText(value, kinds.get(name)));
  for (const [name, value] of Object.entries(parts.query)) {
    if (Array.isArray(value)) refused.push({ field: fieldPath([name]), message: 'is given more than once' });
    else put(name, fromText(value, kinds.get(name)));
  }
  const { body } = parts;
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    for (const [name, value] of Object.entries(body)) put(name, value);
  } else if (body !== undefined) {
    refused.push({ field: 'body', message: 'must be an object' });
  }
  if (refused.length > 0) throw validationFailed(refused);
  return message;
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
