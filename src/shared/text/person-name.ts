import { z } from 'zod';
import { isPlain, plainText } from './plain';

const maxLength = 64;
// Letters, digits and symbols can be seen; marks, spaces and format characters alone cannot.
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u;
// Counted as letters or symbols, and drawn as nothing.
const blank = /[\u115F\u1160\u2800\u3164\uFFA0]/gu;

/** A person's name: 1-64 characters (code points, composed); comes out composed (NFC), without space around it. */
export const personName = z
  .string('must be a string')
  .max(4 * maxLength, { message: `must have at most ${maxLength} characters`, abort: true })
  .refine(isPlain, { message: 'must be well-formed text without control characters', abort: true })
  // The document is told here: it does not see refinements.
  .meta({ minLength: 1, maxLength, pattern: plainText })
  .transform((text) => text.normalize('NFC').trim())
  .refine((text) => visible.test(text.replace(blank, '')), 'must have at least 1 character that can be seen')
  .refine((text) => [...text].length <= maxLength, `must have at most ${maxLength} characters`);
