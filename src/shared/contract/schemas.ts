import { z } from 'zod';
import { instant } from '../clock/time';

// The pieces of which every feature's messages are made; their messages follow the field's name.

export function text(min: number, max: number) {
  return (
    z
      .string('must be a string')
      .min(min, `must have at least ${min} characters`)
      .max(2 * max, { message: `must have at most ${max} characters`, abort: true })
      // Characters are code points: JSON Schema and databases count them.
      .refine((value) => [...value].length <= max, `must have at most ${max} characters`)
      .refine(
        (value) => value.isWellFormed() && !/[\p{Cc}\uFFFD]/u.test(value),
        'must be well-formed text without control characters',
      )
      .meta({ maxLength: max, pattern: withoutControls })
  );
}

/** For the document: text without control characters, in words that regular expressions of every language have. */
export const withoutControls = '^[^\\u0000-\\u001F\\u007F-\\u009F\\uFFFD]*$';

function pattern(regex: RegExp, description: string, minLength: number, maxLength: number) {
  // The lengths are in the pattern, too; generators of forms and of columns look for them here.
  return z.string('must be a string').regex(regex, `must be ${description}`).meta({ minLength, maxLength });
}

// Platforms' names for players: Game Center `T:_...`, Auth0 `auth0|...`, e-mail addresses.
const ofPlatforms = 'A-Za-z0-9_\\-.@:+=|';

/** A player: a user's id, or a platform's name for the player. Not `.` and `..`: URLs lose them. */
export const playerId = pattern(
  new RegExp(`^(?!\\.{1,2}$)[${ofPlatforms}]{1,128}$`),
  '1-128 of A-Z a-z 0-9 _ - . @ : + = |, and no dot alone',
  1,
  128,
);

/** A game's name for a boss, a drop, an activity or a source. */
export const itemId = pattern(
  new RegExp(`^[${ofPlatforms}/#]{1,128}$`),
  '1-128 of A-Z a-z 0-9 _ - . @ : + = | / #',
  1,
  128,
);

/** The name of a rule, a window or a season: `[A-Za-z0-9_-]{1,64}`. */
export const name = pattern(/^[A-Za-z0-9_-]{1,64}$/, '1-64 of A-Z a-z 0-9 _ -', 1, 64);

/**
 * An idempotency key, and with it an event's id: printable ASCII. No space at its ends: headers lose them, and MySQL takes
 * them for nothing.
 */
export const idempotencyKey = pattern(
  /^[!-~]([ -~]{0,253}[!-~])?$/,
  '1-255 printable ASCII characters, without a space at the ends',
  1,
  255,
);

/** A ULID, as Aerie makes them: 26 characters of Crockford's base 32. */
export const ulid = pattern(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, 'a ULID', 26, 26);

export function wholeNumber(min: number, max: number) {
  const range = `must be a whole number from ${min} to ${max}`;
  return (
    z
      .number(range)
      .refine((value) => Number.isSafeInteger(value) && value >= min && value <= max, range)
      // The document is told here: it does not see refine.
      .meta({ type: 'integer', minimum: min, maximum: max })
  );
}

export const pageSize = wholeNumber(1, 100).optional();
export const pageToken = pattern(/^[A-Za-z0-9_-]{0,512}$/, 'a token that this list gave out', 0, 512).optional();

// For the document: no second 60, which RFC 3339 has for leap seconds and clocks do not.
const rfc3339Text =
  '^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$';

/** An RFC 3339 time; stays the text that was sent. */
export const time = z
  .string('must be a string')
  .refine((value) => instant(value) !== undefined, 'must be an RFC 3339 time such as 2026-11-21T10:00:00.000Z')
  .meta({ format: 'date-time', maxLength: 128, pattern: rfc3339Text });

/** A time in an answer. */
export const timeAnswer = z.string().meta({ format: 'date-time' });
