import { Injectable } from '@nestjs/common';
import { upsertAdd } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { rowsOf } from '../../shared/db/entity';
import { greetingsTable } from './hello.entity';

/** The table `hello_greetings`. */
@Injectable()
export class HelloRepository {
  private readonly db: Database;

  constructor(databases: Databases) {
    this.db = databases.of('hello');
  }

  /** Counts one more, and answers how many there are. */
  count(userId: string): Promise<number> {
    return this.db.transaction(async (tx) => {
      const columns = { user_id: 'text', greetings: 'int' } as const;
      await upsertAdd(tx, {
        table: 'hello_greetings',
        columns,
        key: ['user_id'],
        rows: [[userId, 1]],
        add: ['greetings'],
        set: [],
      });
      return (await rowsOf(tx, greetingsTable).findOneByOrFail({ userId })).greetings;
    });
  }
}
