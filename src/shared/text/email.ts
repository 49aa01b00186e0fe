import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { canonical, isPlain } from './plain';

const maxLength = 254;
const maxLocalLength = 64;
// RFC 5321's dot-string, and RFC 6531's letters beyond ASCII.
const localPart = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
// The last label is no number: that would be an address of the network, in one of its many spellings.
const domainName = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The one spelling of an e-mail address by which it is compared: composed (NFKC, so that full-width letters are plain
 * ones), without case, the domain in ASCII. Undefined when it is no address. Source: RFC 5321, RFC 6531, UTS 46.
 */
export function canonicalEmail(text: string): string | undefined {
  if (!isPlain(text)) return undefined;
  const whole = canonical(text);
  const at = whole.lastIndexOf('@');
  const local = whole.slice(0, at);
  // It would decode percent signs.
  const domain = whole.includes('%', at) ? '' : domainToASCII(whole.slice(at + 1));
  if (at < 1 || local.length > maxLocalLength || !localPart.test(local) || !domainName.test(domain)) return undefined;
  const address = `${local}@${domain}`;
  return address.length > maxLength ? undefined : address;
}

/** An e-mail address in a message; comes out composed (NFC), otherwise as it was sent. */
export const email = z
  .string('must be a string')
  .max(maxLength, { message: `must have at most ${maxLength} characters`, abort: true })
  .refine((text) => canonicalEmail(text) !== undefined, 'must be an e-mail address such as name@example.com')
  .transform((text) => text.normalize('NFC'));
