import { z } from 'zod';
import { idempotencyKey, wholeNumber } from '../../shared/contract/schemas';
import { composed } from '../../shared/text/plain';
import { chatName, roomName } from './chat.names';

// The pieces of chat's messages, of calls and of frames alike.

export const maxText = 512;
export const lobby = 'lobby';

// Controls, line separators and what turns the direction of the lines around it: one message stays one line.
const unspeakable = /[\p{Cc}\p{Cs}\uFFFD\u2028\u2029\u202A-\u202E\u2066-\u2069]/u;
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u;
// Counted as letters or symbols, and drawn as nothing.
const blank = /[\u115F\u1160\u2800\u3164\uFFA0\p{Default_Ignorable_Code_Point}]/gu;
/** For the document, in words that regular expressions of every language have. */
const speakable =
  '^[^\\u0000-\\u001F\\u007F-\\u009F\\uFFFD\\u2028\\u2029\\u202A-\\u202E\\u2066-\\u2069]*[^\\s\\u0000-\\u001F\\u007F-\\u009F\\uFFFD\\u2028\\u2029\\u202A-\\u202E\\u2066-\\u2069][^\\u0000-\\u001F\\u007F-\\u009F\\uFFFD\\u2028\\u2029\\u202A-\\u202E\\u2066-\\u2069]*$';

/** For the document: no sign but `_` and `-`, in words that regular expressions of every language have. */
const nameText = '^[^\\s\\u0000-,./:-@\\[-^`{-\\u00A9\\u2000-\\u206F\\u3000\\uFFFD]+$';

/** Text as it is said: composed (NFC), without space around it. Undefined when it cannot be said. */
export function chatText(text: string): string | undefined {
  if (!text.isWellFormed() || unspeakable.test(text)) return undefined;
  const said = composed(text).trim();
  return visible.test(said.replace(blank, '')) ? said : undefined;
}

/** At most 512 characters of a text; never half of one. */
export function cut(text: string): string {
  if (text.length <= maxText) return text;
  return [...text.slice(0, 2 * maxText + 2)].slice(0, maxText).join('');
}

export const text = z
  .string('must be a string')
  .max(2 * maxText, { message: `must have at most ${maxText} characters`, abort: true })
  .refine((value) => chatText(value) !== undefined, {
    message: 'must be well-formed text without control characters, and not empty',
    abort: true,
  })
  .meta({ minLength: 1, maxLength: maxText, pattern: speakable })
  .transform((value) => chatText(value) ?? value)
  .refine((value) => [...value].length <= maxText, `must have at most ${maxText} characters`);

const nameRule = 'must have 1-16 letters, digits, _ or - of one script, and be none of the server';
/** In the path of a call it may be of somebody who has left: any name that could be one. */
export const name = z
  .string('must be a string')
  .max(64, { message: nameRule, abort: true })
  .refine((value) => chatName(value) !== undefined, nameRule)
  .meta({ minLength: 1, maxLength: 16, pattern: nameText });

const roomRule = 'must have 1-32 letters, digits, _ or -';
export const room = z
  .string('must be a string')
  .max(128, { message: roomRule, abort: true })
  .refine((value) => roomName(value) !== undefined, roomRule)
  .meta({ minLength: 1, maxLength: 32, pattern: nameText })
  .transform((value) => roomName(value) ?? value);

export const epoch = z
  .string('must be a string')
  .regex(/^[0-9A-Z]{26}$/, 'must be an epoch that this server gave out')
  .meta({ minLength: 26, maxLength: 26 });
export const seq = wholeNumber(1, Number.MAX_SAFE_INTEGER);
export const afterSeq = wholeNumber(0, Number.MAX_SAFE_INTEGER);
export const messageId = idempotencyKey
  .max(64, 'must have at most 64 characters')
  .meta({ minLength: 1, maxLength: 64 });

const optionalText = z.string('must be a string').max(4096, 'is too long');
const resume = { afterSeq: afterSeq.optional(), epoch: epoch.optional() };

/** What a client may send; a name is looked at when it is asked for, since a wrong one has a code of its own. */
export const clientFrame = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('hello'),
      name: optionalText.optional(),
      token: optionalText.optional(),
      room: room.default(lobby),
      ...resume,
    }),
    z.strictObject({ type: z.literal('say'), text, id: messageId.optional() }),
    z.strictObject({ type: z.literal('whisper'), to: optionalText, text, id: messageId.optional() }),
    z.strictObject({ type: z.literal('join'), room, ...resume }),
    z.strictObject({ type: z.literal('users'), after: optionalText.optional() }),
    z.strictObject({ type: z.literal('exit') }),
  ],
  'must be hello, say, whisper, join, users or exit',
);

/** A frame that has been checked. */
export type Spoken = z.output<typeof clientFrame>;
