import { isUtf8 } from 'node:buffer';
import { fieldPath } from '../contract/dto';
import type { AppError } from '../errors/app-error';
import { malformedJson, validationFailed } from '../errors/common.errors';

const maxDepth = 32;
const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
// The byte order mark, which writers of .NET put before JSON. Source: RFC 8259, 8.1: a parser may ignore it.
const mark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * JSON (RFC 8259) from bytes that may be hostile: what JSON.parse lets pass and later code trips over is refused
 * here, with the field named: invalid UTF-8, nesting over 32, duplicate keys, `__proto__`, NUL, lone surrogates.
 * One pass over the bytes beside JSON.parse; only a document with escapes or a repeated key is walked a second time.
 * @throws AppError malformed_json, and validation_failed for text that no message may hold
 */
export function parseJson(sent: Buffer): unknown {
  const bytes = sent.subarray(0, mark.length).equals(mark) ? sent.subarray(mark.length) : sent;
  if (bytes.length === 0) throw malformedJson('The body is empty');
  if (!isUtf8(bytes)) throw malformedJson('The body is not valid UTF-8');
  const { keys, escaped } = scan(bytes);
  const value = parse(bytes.toString('utf8'));
  const found = countKeys(value, []);
  if (found !== keys) throw malformedJson('A key is given twice', duplicateKey(bytes));
  if (escaped) refuseBadText(value, []);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8's message quotes the body; only the place is passed on.
    const place = /position \d+(?: \(line \d+ column \d+\))?/.exec((error as Error).message);
    throw malformedJson(place ? `The body is not JSON: see ${place[0]}` : 'The body is not JSON');
  }
}

/** Counts the keys as written and refuses deep nesting before JSON.parse recurses. Strings are skipped. */
function scan(bytes: Buffer): { keys: number; escaped: boolean } {
  let depth = 0;
  let keys = 0;
  let escaped = false;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === backslash) {
        escaped = true;
        i += 1;
      } else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === colon) keys += 1;
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > maxDepth) throw malformedJson(`The body is nested deeper than ${maxDepth} levels`);
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  return { keys, escaped };
}

function countKeys(value: unknown, path: PropertyKey[]): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (typeof item === 'object' && item !== null) count += countKeys(item, [...path, i]);
    }
    return count;
  }
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw malformedJson('__proto__ is not allowed as a key', fieldPath([...path, key]));
    count += 1;
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === 'object' && item !== null) count += countKeys(item, [...path, key]);
  }
  return count;
}

/** Escapes can spell what UTF-8 cannot: NUL and halves of surrogate pairs. */
function refuseBadText(value: unknown, path: PropertyKey[]): void {
  if (typeof value === 'string') refuseText(value, path);
  else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) refuseBadText(item, [...path, i]);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      refuseText(key, [...path, key]);
      refuseBadText(item, [...path, key]);
    }
  }
}

function refuseText(text: string, path: PropertyKey[]): void {
  // Over gRPC it is the message's schema that refuses these, so the code is the same here.
  if (text.includes('\0')) throw refusedText(path, 'must not have NUL in it');
  if (!text.isWellFormed()) throw refusedText(path, 'must not have half of a surrogate pair in it');
}

function refusedText(path: readonly PropertyKey[], message: string): AppError {
  return validationFailed([{ field: fieldPath(path), message }]);
}

/** The first key that an object repeats. Only run once JSON.parse has accepted the text. */
function duplicateKey(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  const scopes: (Set<string> | undefined)[] = [];
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gs;
  for (const match of text.matchAll(token)) {
    if (match[0] === '{') scopes.push(new Set());
    else if (match[0] === '[') scopes.push(undefined);
    else if (match[0] === '}' || match[0] === ']') scopes.pop();
    else if (match[1] !== undefined) {
      const key = JSON.parse(match[0].slice(0, -match[1].length)) as string;
      const scope = scopes.at(-1);
      if (scope?.has(key)) return fieldPath([key]);
      scope?.add(key);
    }
  }
  return 'body';
}
