import { createHash } from 'node:crypto';
import { z } from 'zod';
import { pageTokenInvalid } from '../errors/common.errors';

const token = z.strictObject({
  at: z.array(z.union([z.string().max(256), z.number()])).max(8),
  sum: z.string().max(32),
});
export type Position = readonly (string | number)[];

export interface CutPage<Row> {
  readonly page: readonly Row[];
  readonly nextPageToken: string;
}

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

  /**
   * The page and the token of the next one, '' on the last. `found` has one row more than the page where there is more;
   * `at` tells a row's position.
   */
  cut<Row>(filter: unknown, found: readonly Row[], size: number, at: (row: Row) => Position): CutPage<Row> {
    const page = found.slice(0, size);
    const last = page.at(-1);
    const more = found.length > size && last !== undefined;
    return { page, nextPageToken: more ? this.encode(filter, at(last)) : '' };
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
