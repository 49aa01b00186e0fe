import type { Database, Sql } from '../../src/shared/db/database';

/** What a process that ends leaves undone: its transaction is taken back. */
export class Died extends Error {}

/** Fails at the nth statement of every transaction from now on; answers how to stop it, and whether it has come so far. */
export function dieAt(db: Database, nth: number): { stop: () => void; died: () => boolean } {
  const transaction = db.transaction.bind(db);
  let died = false;
  db.transaction = (work, options) =>
    transaction((tx) => {
      let left = nth;
      const count = (): void => {
        left -= 1;
        if (left === 0) {
          died = true;
          throw new Died('The process has died');
        }
      };
      const counted = new Proxy(tx, {
        get: (target, property, receiver) => {
          if (['run', 'rows', 'post', 'insertRows', 'upsertRows', 'manager'].includes(String(property))) count();
          const value: unknown = Reflect.get(target, property, receiver === counted ? target : receiver);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      }) as Sql;
      return work(counted);
    }, options);
  return {
    stop: () => {
      db.transaction = transaction;
    },
    died: () => died,
  };
}
