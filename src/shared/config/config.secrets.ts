import { z } from 'zod';
import type { NamedKey } from './config';

export const minSecretBytes = 32;
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: between 24 and 64 bytes
const minWebhookBytes = 24;

const quotes = /^(?:"(.*)"|'(.*)'|`(.*)`|“(.*)”|‘(.*)’)$/s;
// White space, a byte order mark, and a line break that was written out.
const edges = /^[\s\uFEFF]+|(?:[\s\uFEFF]|\\r|\\n)+$/g;

/** Without what nobody means: white space and line breaks around it, and the quotes of whoever wrote it down. */
export function cleaned(text: string): string {
  const bare = text.replace(edges, '');
  const [, ...inner] = quotes.exec(bare) ?? [];
  return (inner.find((each) => each !== undefined) ?? bare).replace(edges, '');
}

/** Why a secret cannot be one; shows nothing of it. */
class SecretError extends Error {}

/**
 * The bytes of a configured secret: `whsec_` ones (Standard Webhooks) are base64, all others are taken as UTF-8.
 * @throws SecretError when it cannot be right
 */
function secretBytes(given: string): Buffer {
  const text = cleaned(given);
  if (/^v\d+[a-z]?,/.test(text)) throw new SecretError('has a version before its secret: begin with whsec_');
  if (/^wh[ps]k_/.test(text)) throw new SecretError('is a key of another kind: only symmetric secrets, whsec_');
  if (/^whsec/i.test(text)) return webhookBytes(text);
  if (/^["'`“‘]|["'`”’]$/.test(text)) throw new SecretError('has a quote at one end only');
  if (/\p{Cc}/u.test(text)) throw new SecretError('has a line break or another control character within');
  if (/^\$[({].*[)}]$/.test(text)) throw new SecretError('is the text of a command or variable, not its value');
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length < minSecretBytes) throw new SecretError(`must be at least ${minSecretBytes} bytes`);
  return bytes;
}

function webhookBytes(text: string): Buffer {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+)={0,2}$/.exec(text) ?? [];
  const bytes = Buffer.from(base64 ?? '', 'base64');
  const whole = base64 !== undefined && bytes.toString('base64').replace(/=+$/, '') === base64;
  if (!whole || bytes.length < minWebhookBytes)
    throw new SecretError(`must be whsec_ and the base64 of at least ${minWebhookBytes} bytes`);
  return bytes;
}

/** A bearer secret is sent as it stands there, in a header. */
function bearerBytes(given: string): Buffer {
  const text = cleaned(given);
  const bytes = secretBytes(text);
  if (!/^[\x21-\x7e]+$/.test(text)) throw new SecretError('must be of ASCII without spaces: it is sent in a header');
  return text.startsWith('whsec_') ? Buffer.from(text, 'utf8') : bytes;
}

/** Reads a value with `read`, whose error is the reason why the variable is refused. */
function readBy<T>(read: (text: string) => T): (text: string, context: z.RefinementCtx) => T {
  return (text, context) => {
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof SecretError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  };
}

export function secret() {
  return z.string().transform(readBy(secretBytes));
}

/** `kid:secret,kid:secret` with distinct ids. */
export function keyRing() {
  return z.string().transform(readBy(ringOf));
}

function ringOf(text: string): NamedKey[] {
  const keys = text.split(',').map((item): NamedKey => {
    const [, kid, value] = /^([A-Za-z0-9_.-]{1,64}):(.+)$/s.exec(cleaned(item)) ?? [];
    if (kid === undefined || value === undefined) throw new SecretError('must be kid:secret, comma-separated');
    return { kid, secret: secretBytes(value) };
  });
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length) throw new SecretError('names one key id twice');
  return keys;
}

/** One secret, or two while one replaces the other. */
export function secretList() {
  return z.string().transform(
    readBy((text) => {
      const items = text.split(',');
      if (items.length > 2) throw new SecretError('must be one secret, or two, comma-separated');
      return items.map(bearerBytes);
    }),
  );
}
