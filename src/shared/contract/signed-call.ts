import type { IncomingHttpHeaders } from 'node:http';
import type { AppError } from '../errors/app-error';
import { validationFailed } from '../errors/common.errors';
import { bareKey } from './idempotency-key';

/** The message of a signed call: what its sender signed, and the signatures. */
export interface SignedCall {
  readonly id: string;
  /** Seconds since 1970, as signed; 0 where none can be read. */
  readonly timestamp: number;
  /** The key that signed; '' where the spelling names none. */
  readonly keyId: string;
  readonly signatures: string[];
  /** Byte for byte as it was signed. */
  readonly body: Buffer;
}

/**
 * In which headers a signed call stands: `id`, and `elements` as in `t=<seconds>,kid=<key>,v1=<hex>`; or those of Standard
 * Webhooks, whose names begin with one of `webhooks` (`webhook-id`, `webhook-timestamp`, `webhook-signature`).
 * Source: https://www.standardwebhooks.com
 */
export interface SignedSpelling {
  readonly id: string;
  readonly elements: string;
  readonly webhooks: readonly [string, ...string[]];
}

// As our own senders write it, which costs one look.
const plainHeader = /^t=([1-9][0-9]{0,14})(?:,kid=([A-Za-z0-9_.-]{1,64}))?((?:,v1=[0-9a-f]{64})+)$/;
const digits = /^[1-9][0-9]{0,14}$/;

/**
 * Headers and body as the message that gRPC sends. What is missing or misspelled becomes a message that cannot verify: its
 * verifier has the one answer for it. @throws AppError validation_failed for both spellings at once
 */
export function readSigned(spelling: SignedSpelling, headers: IncomingHttpHeaders, body: unknown): SignedCall {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  const key = headers[spelling.id];
  const signature = headers[spelling.elements];
  const used = spelling.webhooks.some((name) =>
    ['id', 'timestamp', 'signature'].some((part) => headers[`${name}-${part}`] !== undefined),
  );
  if (!used) return { ...elementsOf(text(signature)), id: bareKey(text(key)), body: bytes };
  if (signature !== undefined || key !== undefined) throw bothSpellings(spelling);
  const part = (name: string): string => {
    const found = new Set(spelling.webhooks.flatMap((prefix) => headers[`${prefix}-${name}`] ?? []));
    if (found.size > 1) throw bothSpellings(spelling);
    return [...found][0] ?? '';
  };
  const timestamp = part('timestamp');
  return {
    id: part('id'),
    timestamp: digits.test(timestamp) ? Number(timestamp) : 0,
    keyId: '',
    // Two header lines arrive as one, with a comma between them.
    signatures: part('signature')
      .split(/[ \t]/)
      .map((one) => (one.endsWith(',') ? one.slice(0, -1) : one))
      .filter((one) => one.includes(',')),
    body: bytes,
  };
}

/** The headers of a signed message: `elements`, or Standard Webhooks where its signatures are of that kind. */
export function writeSigned(
  { id: idName, elements, webhooks: [webhook] }: SignedSpelling,
  { id, timestamp, keyId, signatures }: Omit<SignedCall, 'body'>,
): Record<string, string> {
  const standard = signatures.filter((signature) => signature.startsWith('v1,'));
  const ours = signatures.filter((signature) => !signature.startsWith('v1,'));
  // What stands in no header becomes a signature that cannot verify, as it is without one.
  const hexes = ours.map((hex) => `v1=${/^[0-9a-f]*$/i.test(hex) ? hex : 'x'}`);
  const parts = [`t=${timestamp}`, ...(keyId === '' ? [] : [`kid=${keyId}`]), ...hexes].join(',');
  if (standard.length === 0) return { [idName]: id.startsWith('"') ? quoted(id) : id, [elements]: parts };
  return {
    [`${webhook}-id`]: id,
    [`${webhook}-timestamp`]: `${timestamp}`,
    [`${webhook}-signature`]: standard.map((one) => (/^v1,[\w+/=-]*$/.test(one) ? one : 'v1,x')).join(' '),
    // Both spellings are refused, by whoever reads them.
    ...(ours.length > 0 || keyId !== '' ? { [elements]: parts } : {}),
  };
}

function quoted(id: string): string {
  return `"${id.replace(/[\\"]/g, '\\$&')}"`;
}

export function bothSpellings({ id, elements, webhooks }: SignedSpelling): AppError {
  const [first, ...others] = webhooks.map((name) => `${name}-*`);
  const also = others.length === 0 ? '' : ` (${others.join(', ')})`;
  const message = `${shown(elements)} with ${shown(id)}, or the ${first}${also} headers: not both`;
  return validationFailed([{ field: 'signatures', message }]);
}

function shown(header: string): string {
  return header.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

/**
 * The elements of a signature, in any order, with space around them, in one header line or in several, which arrive as one.
 * Elements and versions that are not ours are passed over: a sender may sign for more than one verifier.
 */
function elementsOf(header: string): Pick<SignedCall, 'timestamp' | 'keyId' | 'signatures'> {
  const [, plainTime, plainKey = '', list] = plainHeader.exec(header) ?? [];
  if (list !== undefined)
    return { timestamp: Number(plainTime), keyId: plainKey, signatures: list.split(',v1=').slice(1) };
  const elements = header.split(',').map((element) => {
    const [name = '', ...value] = element.split('=');
    return { name: name.trim().toLowerCase(), value: value.join('=').trim() };
  });
  const values = (wanted: string): string[] => elements.filter(({ name }) => name === wanted).map(({ value }) => value);
  const [times, keys] = [new Set(values('t')), new Set(values('kid'))];
  const [time = ''] = times;
  const [keyId = ''] = keys;
  return {
    timestamp: times.size === 1 && digits.test(time) ? Number(time) : 0,
    keyId,
    // Two keys name none: which of them signed cannot be known.
    signatures: keys.size > 1 ? [] : values('v1'),
  };
}

function text(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : '';
}
