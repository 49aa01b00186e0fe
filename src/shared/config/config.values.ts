import { isIP } from 'node:net';
import { z } from 'zod';
import { cleaned } from './config.secrets';

// Reasons never contain the value: the environment holds secrets and the message is printed.

/** A canonical whole number between `min` and `max`. */
export function decimal(min: number, max: number) {
  const reason = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^(0|[1-9][0-9]{0,15})$/, reason)
    .transform(Number)
    .refine((value) => value >= min && value <= max, reason);
}

/** A share: from 0 to 1. */
export function ratio() {
  const reason = 'must be a number from 0 to 1, such as 0.01';
  return z
    .string()
    .regex(/^[01]?(\.\d{1,9})?$/, reason)
    .refine((text) => text !== '' && Number(text) <= 1, reason)
    .transform(Number);
}

// In a header it would begin another one.
const control = /\p{Cc}/u;

/** `name=value,...`, with values percent-encoded, as OpenTelemetry and W3C baggage spell them. */
export function pairs() {
  const reason = 'must be name=value, comma-separated, with values percent-encoded';
  return z.string().transform((text, context): Readonly<Record<string, string>> => {
    const found: [string, string][] = [];
    for (const item of cleaned(text)
      .split(',')
      .filter((one) => one.trim() !== '')) {
      const [name = '', ...value] = item.split('=');
      const decoded = decodedOrNothing(value.join('=').trim());
      if (
        !/^[A-Za-z0-9_.-]{1,64}$/.test(name.trim()) ||
        value.length === 0 ||
        decoded === undefined ||
        control.test(decoded)
      ) {
        context.addIssue({ code: 'custom', message: reason });
        return {};
      }
      found.push([name.trim(), decoded]);
    }
    return Object.fromEntries(found);
  });
}

function decodedOrNothing(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that is none of an encoding.
    return undefined;
  }
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Seconds, or a number with a unit: `900`, `900s`, `15m`, `1h`. */
export function duration(minSeconds: number, maxSeconds: number) {
  const reason = `must be from ${minSeconds} to ${maxSeconds} seconds, such as ${minSeconds} or 15m`;
  return z
    .string()
    .regex(/^[1-9][0-9]{0,8}[smh]?$/, reason)
    .transform((text) => Number.parseInt(text, 10) * (unitSeconds[text.at(-1) ?? ''] ?? 1))
    .refine((seconds) => seconds >= minSeconds && seconds <= maxSeconds, reason);
}

export function flag() {
  return z.enum(['true', 'false'], 'must be true or false').transform((value) => value === 'true');
}

export function list() {
  return z
    .string()
    .transform((text) => text.split(',').map((item) => item.trim()))
    .refine((items) => items.every((item) => item !== ''), 'must be a comma-separated list without empty items');
}

export function url(schemes: readonly string[]) {
  const reason = `must be a URL that begins with ${schemes.join(', ')}`;
  return z.string().refine((text) => schemes.some((scheme) => text.startsWith(scheme)) && URL.canParse(text), reason);
}

/** Origins as browsers spell them, and `https://*.studio.example` for any one label before a domain. */
export function origins() {
  return list().refine(
    (items) => items.every((item) => item === '*' || isOrigin(item.replace('://*.', '://any.'))),
    'must be origins such as https://studio.example or https://*.studio.example, comma-separated',
  );
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && !text.includes('*');
}

/** An address of http or https with a path or none, without the `/` at its end. */
export function publicUrl() {
  return z
    .string()
    .refine(
      (text) => /^https?:\/\/[^?#@]+$/.test(text) && URL.canParse(text),
      'must be a URL such as https://api.studio.example',
    )
    .transform((text) => text.replace(/\/+$/, ''));
}

/** IP addresses and networks in CIDR form. */
export function addresses() {
  return list().refine(
    (items) => items.every(isNetwork),
    'must be IP addresses or networks such as 10.0.0.0/8, comma-separated',
  );
}

function isNetwork(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return !text.includes('/') || (/^(0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

export const file = z.string().min(1, 'must name a file');

/** Marks what is secret, or may hold a password: `<NAME>_FILE` may name a file that holds it. */
export function filed<Variable extends z.ZodType>(variable: Variable): Variable {
  return variable.meta({ ...variable.meta(), filed: true });
}

export function isFiled(variable: z.ZodType): boolean {
  return variable.meta()?.filed === true;
}
