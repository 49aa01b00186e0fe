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

// What platforms call their players: Game Center `T:_...`, Auth0 `auth0|...`, e-mail addresses.
const ofPlatforms = 'A-Za-z0-9_\\-.@:+=|';

/** Who plays: a user's id, or what a platform calls the player. Not `.` and `..`: URLs lose them. */
export const playerId = pattern(
  new RegExp(`^(?!\\.{1,2}$)[${ofPlatforms}]{1,128}$`),
  '1-128 of A-Z a-z 0-9 _ - . @ : + = |, and no dot alone',
);

/** What a game calls its bosses, drops, activities and sources. */
export const itemId = pattern(new RegExp(`^[${ofPlatforms}/#]{1,128}$`), '1-128 of A-Z a-z 0-9 _ - . @ : + = | / #');

/** What rules, windows and seasons are called: `[A-Za-z0-9_-]{1,64}`. */
export const name = pattern(/^[A-Za-z0-9_-]{1,64}$/, '1-64 of A-Z a-z 0-9 _ -');

/**
 * An idempotency key, and with it an event's id: printable ASCII. No space at its ends: headers lose them, and MySQL takes
 * them for nothing.
 */
export const idempotencyKey = pattern(
  /^[!-~]([ -~]{0,253}[!-~])?$/,
  '1-255 printable ASCII characters, without a space at the ends',
);

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
