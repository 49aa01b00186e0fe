import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { folded, isPlain } from './plain';

const maxLength = 254;
const maxLocalLength = 64;
// RFC 5321's atoms, and RFC 6531's letters beyond ASCII. Dots anywhere: carriers have given out `a..b@` and `.a@`.
const localPart = /^\.*[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-][\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~.-]*$/u;
// The parser behind domainToASCII stops at `/ ? # \` and decodes percent signs: only what it takes as it is may reach it.
const domainText = /^[\p{L}\p{M}\p{N}.-]+$/u;
// The last label is no number: that would be an address of the network, in one of its many spellings.
const domainName = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
// Domains drop them, and local parts that differ in them look alike.
const ignorable = /\p{Default_Ignorable_Code_Point}/u;
const ideographicStops = /\u3002/g;

/**
 * The one spelling of an e-mail address by which it is compared: as it is stored, without case, the domain in ASCII.
 * Undefined when it is no address. Source: RFC 5321, RFC 6531, UTS 46.
 */
export function canonicalEmail(text: string): string | undefined {
  const stored = storedEmail(text);
  if (stored === undefined || ignorable.test(stored)) return undefined;
  const at = stored.lastIndexOf('@');
  const local = folded(stored.slice(0, at));
  if (at < 1 || local.length > maxLocalLength || !localPart.test(local)) return undefined;
  const name = stored.slice(at + 1);
  const domain = domainText.test(name) ? domainToASCII(name) : '';
  const address = `${local}@${domain}`;
  return domainName.test(domain) && address.length <= maxLength ? address : undefined;
}

/** As it is stored: composed, of one width (NFKC), otherwise as it was sent. Undefined for text that cannot be stored. */
function storedEmail(text: string): string | undefined {
  if (text.length > maxLength || !isPlain(text)) return undefined;
  const composed = text.normalize('NFKC');
  const at = composed.lastIndexOf('@');
  const stored = composed.slice(0, at) + composed.slice(at).replace(ideographicStops, '.');
  // Composing can make text longer.
  return stored.length > maxLength ? undefined : stored;
}

// For the OpenAPI document: a regular expression that refuses nothing that is an address. Signs and dots may be wide ones.
const dots = '.\\u2024\\u3002\\uFE52\\uFF0E\\uFF61';
const noDomain = '\\s\\u0000-\\u002C/:-@\\[-`\\{-\\u00A0\\uFE6B\\uFF20';
const documented = [
  '^[^\\s\\u0000-\\u0020"(),:;<>@\\[\\\\\\]\\u007F-\\u00A0\\uFE6B\\uFF20]+[@\\uFE6B\\uFF20]',
  `[^${noDomain}]+[${dots}][^0-9\\-${dots}${noDomain}][^${dots}${noDomain}]*$`,
].join('');

/** An e-mail address in a message; comes out as it is stored. */
export const email = z
  .string('must be a string')
  .max(maxLength, { message: `must have at most ${maxLength} characters`, abort: true })
  .refine((text) => canonicalEmail(text) !== undefined, {
    message: 'must be an e-mail address such as name@example.com',
    abort: true,
  })
  .meta({ format: 'idn-email', minLength: 5, pattern: documented })
  .transform((text) => storedEmail(text) ?? text);
