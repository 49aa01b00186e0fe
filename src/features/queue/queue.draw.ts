import { hash } from 'node:crypto';
import { toTime } from '../../shared/clock/time';

// What anybody can recompute: the published functions of the draw and of the log of joins. Hashes are lower-case hexadecimal
// digits, and are hashed as these digits.

export function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}

/** A row of the log of joins. `joinedAt`: milliseconds since 1970; it is hashed as RFC 3339 text. */
export interface JoinFacts {
  readonly previous: string;
  readonly number: number;
  readonly ticketHash: string;
  readonly joinedAt: number;
}

/** The hash of a row, which hangs on all rows before it: SHA-256(previous LF number LF ticketHash LF joinedAt). */
export function chained({ previous, number, ticketHash, joinedAt }: JoinFacts): string {
  return sha256([previous, String(number), ticketHash, toTime(joinedAt)].join('\n'));
}

/** The first row whose hash is not what it should be; undefined when all are. `seedHash` begins the chain. */
export function firstBroken(
  seedHash: string,
  rows: readonly (JoinFacts & { readonly hash: string })[],
): number | undefined {
  let [previous, number] = [seedHash, 1];
  for (const row of rows) {
    if (row.previous !== previous || row.number !== number || chained(row) !== row.hash) return number;
    previous = row.hash;
    number += 1;
  }
  return undefined;
}

/** The order of the draw: by SHA-256(seed ticketHash), smallest first. */
export function drawnOrder<T extends { readonly ticketHash: string }>(seed: string, joins: readonly T[]): T[] {
  return joins
    .map((join) => ({ join, key: sha256(seed + join.ticketHash) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ join }) => join);
}
