import { z } from 'zod';
import { type FieldViolation } from '../errors/app-error';
import { validationFailed } from '../errors/common.errors';

/** A message class: its instances are plain objects that `schema` has accepted. */
export interface Dto<T> {
  new (): T;
  readonly schema: z.ZodType<T>;
}

/**
 * The base of a message class: `class GetUserDto extends dto<GetUserRequest>(schema) {}`. That the schema's output is
 * the proto's type is checked by the compiler.
 */
export function dto<T extends object>(schema: z.ZodType<T>): Dto<T> {
  class Message {
    static readonly schema = schema;
  }
  return Message as Dto<T>;
}

export function isDto(type: unknown): type is Dto<object> {
  return typeof type === 'function' && 'schema' in type && type.schema instanceof z.ZodType;
}

/** @throws AppError validation_failed naming every field that was refused. */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = accept(schema, value);
  if (result.success) return result.data;
  throw validationFailed(violations(result.issues));
}

/** The verdict of a schema on a value: its message, or what is wrong with it. */
export type Accepted<T> =
  | { readonly success: true; readonly data: T }
  | { readonly success: false; readonly issues: readonly z.core.$ZodIssue[] };

/**
 * The value as `schema` takes it. Serialisers of other languages spell an absent optional as null, or as '' where empty
 * means nothing else: such a field is absent. Only a value that is refused is looked at for them.
 */
export function accept<T>(schema: z.ZodType<T>, value: unknown): Accepted<T> {
  const first = schema.safeParse(value);
  if (first.success) return first;
  const { issues } = first.error;
  const empty = issues.filter(({ path }) => path.length > 0 && isEmpty(at(value, path)));
  if (empty.length === 0) return { success: false, issues };
  const without = structuredClone(value);
  for (const { path } of empty) delete at(without, path.slice(0, -1))?.[path.at(-1) as string];
  const second = schema.safeParse(without);
  if (second.success) return second;
  const wrong = new Set(second.error.issues.map(({ path }) => path.join('\0')));
  const still = issues.filter(({ path }) => wrong.has(path.join('\0')));
  return { success: false, issues: still.length > 0 ? still : issues };
}

function isEmpty(value: unknown): boolean {
  return value === null || value === '';
}

/** The value at a path; undefined where the path leads nowhere. */
function at(value: unknown, path: readonly PropertyKey[]): Record<PropertyKey, unknown> | undefined {
  let found = value as Record<PropertyKey, unknown> | undefined;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = found[key] as Record<PropertyKey, unknown> | undefined;
  }
  return found;
}

const maxViolations = 20;

/** zod's issues as fields, spelled as the caller spelled them: `events[3].payload.tier`. */
export function violations(issues: readonly z.core.$ZodIssue[], prefix: readonly PropertyKey[] = []): FieldViolation[] {
  const found: FieldViolation[] = [];
  for (const issue of issues) {
    if (found.length >= maxViolations) break;
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys.slice(0, maxViolations))
        found.push({ field: fieldPath([...path, key]), message: 'is not a known property' });
    } else {
      found.push({ field: fieldPath(path), message: issue.message });
    }
  }
  return found.slice(0, maxViolations);
}

export function fieldPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path)
    text += typeof part === 'number' ? `[${part}]` : `${text === '' ? '' : '.'}${shown(String(part))}`;
  return text === '' ? 'body' : text;
}

// A refused property's name is the caller's text: shown, but not at any length, and nothing that breaks a line.
function shown(name: string): string {
  const visible = name.slice(0, 64).toWellFormed().replace(/\p{C}/gu, '\uFFFD');
  return name.length > 64 ? `${visible}...` : visible;
}
