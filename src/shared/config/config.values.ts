import { isIP } from 'node:net';
import { z } from 'zod';

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
