import { z } from 'zod';
import { instant } from '../clock/time';

// The pieces of which every feature's messages are made; their messages follow the field's name.

export function text(min: number, max: number) {
  return z
    .string('must be a string')
    .min(min, `must have at least ${min} characters`)
    .max(max, `must have at most ${max} characters`)
    .refine(
      (value) => value.isWellFormed() && !/[\p{Cc}\uFFFD]/u.test(value),
      'must be well-formed text without control characters',
    );
}

function pattern(regex: RegExp, description: string) {
  return z.string('must be a string').regex(regex, `must be ${description}`);
}

/** `[A-Za-z0-9_-]{3,64}` */
export const playerId = pattern(/^[A-Za-z0-9_-]{3,64}$/, '3-64 of A-Z a-z 0-9 _ -');

/** Names that a game gives to its bosses, drops, activities: `[A-Za-z0-9_-]{1,64}`. */
export const gameName = pattern(/^[A-Za-z0-9_-]{1,64}$/, '1-64 of A-Z a-z 0-9 _ -');

/** An idempotency key: `[A-Za-z0-9_.:-]{1,128}`. */
export const idempotencyKey = pattern(/^[A-Za-z0-9_.:-]{1,128}$/, '1-128 of A-Z a-z 0-9 _ . : -');

/** A ULID, as Aerie makes them: 26 characters of Crockford's base 32. */
export const ulid = pattern(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, 'a ULID');

export function wholeNumber(min: number, max: number) {
  const range = `must be a whole number from ${min} to ${max}`;
  return (
    z
      .number(range)
      .refine((value) => Number.isSafeInteger(value) && value >= min && value <= max, range)
      // What refine says, for the document.
      .meta({ type: 'integer', minimum: min, maximum: max })
  );
}

export const pageSize = wholeNumber(1, 100).optional();
export const pageToken = pattern(/^[A-Za-z0-9_-]{0,512}$/, 'a token that this list gave out').optional();

/** An RFC 3339 time; stays the text that was sent. */
export const time = z
  .string('must be a string')
  .refine((value) => instant(value) !== undefined, 'must be an RFC 3339 time such as 2026-11-21T10:00:00.000Z');
