import { createHash } from 'node:crypto';
import { z } from 'zod';
import { pageTokenInvalid } from '../errors/common.errors';

const token = z.strictObject({
  at: z.array(z.union([z.string().max(256), z.number()])).max(8),
  sum: z.string().max(32),
});
export type Position = readonly (string | number)[];

/**
 * Opaque page tokens of one list: the position of the last row and a checksum over list, filter and position. They
 * carry no authority (who may read is decided anew), so the checksum needs no key: it catches a token that was cut,
 * changed, or made by another list or filter.
 */
export class PageTokens {
  constructor(private readonly list: string) {}

  encode(filter: unknown, at: Position): string {
    return Buffer.from(JSON.stringify({ at, sum: this.sum(filter, at) })).toString('base64url');
  }

  /** The position, or undefined for the first page. @throws AppError page_token_invalid */
  decode(filter: unknown, text: string | undefined): Position | undefined {
    if (text === undefined || text === '') return undefined;
    const parsed = token.safeParse(parseOr(Buffer.from(text, 'base64url').toString('utf8'), undefined));
    // Of all spellings that mean the same (base64, white space, bytes that are no UTF-8) only our own.
    if (!parsed.success || this.encode(filter, parsed.data.at) !== text) throw pageTokenInvalid();
    return parsed.data.at;
  }

  private sum(filter: unknown, at: Position): string {
    return createHash('sha256')
      .update(JSON.stringify([this.list, filter, at]))
      .digest('base64url')
      .slice(0, 16);
  }
}

function parseOr<T>(text: string, otherwise: T): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}
