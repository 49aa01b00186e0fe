import { table } from '../../shared/db/entity';

/** How often each user was greeted. */
export const greetingsTable = table('hello_greetings', (column) => ({
  columns: { seq: column.sequence(), userId: column.text(26), greetings: column.bigint() },
  unique: { hello_greetings_user: ['userId'] },
}));
