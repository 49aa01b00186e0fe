import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Config } from '../config/config';
import { pageTokenInvalid } from '../errors/common.errors';
import { wholeNumber } from './schemas';

const token = z.strictObject({
  at: z.array(z.union([z.string().max(256), z.number()])).max(8),
  sum: z.string().max(32),
});
export type Position = readonly (string | number)[];

/** The position of a row in a list that is ordered by a table's numbers, which begin at 1. */
export const rowNumber = z.tuple([wholeNumber(1, Number.MAX_SAFE_INTEGER)]);

export interface CutPage<Row> {
  readonly page: readonly Row[];
  readonly nextPageToken: string;
}

/**
 * Makes the page tokens of every list. Their checksums have a key out of HMAC_SECRET, so that all processes of one
 * deployment read each other's tokens, also after a restart; while secrets rotate, HMAC_KEYS are read, too.
 * Source: RFC 5869
 */
@Injectable()
export class PageTokens {
  private readonly keys: readonly Buffer[];

  constructor(config: Config) {
    this.keys = config.hmacKeys.map(({ secret }) =>
      Buffer.from(hkdfSync('sha256', secret, '', 'aerie page token', 32)),
    );
  }

  /** `list` is unlike any other's; `position` says what a row's position in it can be. */
  of<At extends Position>(list: string, position: z.ZodType<At>): ListTokens<At> {
    return new ListTokens(this.keys, list, position);
  }
}

/**
 * Opaque page tokens of one list: the position of the last row and a keyed checksum over list, filter and position,
 * which refuses a token that was cut, changed, or made by another list, filter or deployment. They carry no authority:
 * who may read is decided anew. Nor is the checksum trusted: a position that no row can have is refused, too.
 */
export class ListTokens<At extends Position> {
  /** The first of the keys writes; all of them read. */
  constructor(
    private readonly keys: readonly Buffer[],
    private readonly list: string,
    private readonly position: z.ZodType<At>,
  ) {
    if (keys.length === 0) throw new Error('Page tokens need a key');
  }

  encode(filter: unknown, at: At): string {
    return this.encodeWith(this.keys[0] as Buffer, filter, at);
  }

  /** The position, or undefined for the first page. @throws AppError page_token_invalid */
  decode(filter: unknown, text: string | undefined): At | undefined {
    if (text === undefined || text === '') return undefined;
    const parsed = token.safeParse(parseOr(Buffer.from(text, 'base64url').toString('utf8'), undefined));
    if (!parsed.success) throw pageTokenInvalid();
    const { at } = parsed.data;
    // Of all spellings that mean the same (base64, white space, bytes that are no UTF-8) only our own.
    if (!this.keys.some((key) => same(this.encodeWith(key, filter, at), text))) throw pageTokenInvalid();
    const position = this.position.safeParse(at);
    if (!position.success) throw pageTokenInvalid();
    return position.data;
  }

  /**
   * The page and the token of the next one, '' on the last. `found` has one row more than the page where there is more;
   * `at` tells a row's position.
   */
  cut<Row>(filter: unknown, found: readonly Row[], size: number, at: (row: Row) => At): CutPage<Row> {
    const page = found.slice(0, size);
    const last = page.at(-1);
    const more = found.length > size && last !== undefined;
    return { page, nextPageToken: more ? this.encode(filter, at(last)) : '' };
  }

  private encodeWith(key: Buffer, filter: unknown, at: Position): string {
    const text = JSON.stringify([this.list, filter, at]);
    const sum = createHmac('sha256', key).update(text).digest('base64url').slice(0, 22);
    return Buffer.from(JSON.stringify({ at, sum })).toString('base64url');
  }
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function parseOr<T>(text: string, otherwise: T): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}
