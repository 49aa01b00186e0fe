import { inList } from './bulk';
import type { Database } from './database';

export interface Pruned {
  readonly table: string;
  /** A whole number, such as a time. */
  readonly column: string;
  /** Rows below it go. */
  readonly before: number;
  readonly limit: number;
}

/**
 * Removes up to `limit` rows, the oldest first, in one transaction that gives way to others, and answers how many. The
 * condition is checked again under the rows' locks: one may have been taken into use anew. The table counts its rows in `seq`.
 */
export function prune(db: Database, { table, column, before, limit }: Pruned): Promise<number> {
  return db.transaction(
    async (tx) => {
      const text = `SELECT seq FROM ${table} WHERE ${column} < ? ORDER BY ${column} LIMIT ?`;
      const over = await tx.rows<{ seq: number }>(text, [before, limit]);
      if (over.length === 0) return 0;
      const list = inList(
        tx.kind,
        over.map(({ seq }) => seq).sort((a, b) => a - b),
      );
      return tx.run(`DELETE FROM ${table} WHERE seq ${list.text} AND ${column} < ?`, [...list.params, before]);
    },
    { priority: 'background' },
  );
}
