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
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw validationFailed(violations(result.error));
}

const maxViolations = 20;

/** zod's issues as fields, spelled as the caller spelled them: `events[3].payload.tier`. */
export function violations(error: z.ZodError, prefix: readonly PropertyKey[] = []): FieldViolation[] {
  const found: FieldViolation[] = [];
  for (const issue of error.issues) {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys)
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
  const visible = name.toWellFormed().replace(/\p{C}/gu, '\uFFFD');
  return visible.length > 64 ? `${visible.slice(0, 64)}...` : visible;
}
