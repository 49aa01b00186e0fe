import { type RowOf, table } from '../../shared/db/entity';
import { idempotencyEntity } from '../../shared/idempotency/idempotency.table';

/** The users. Times are milliseconds since 1970. */
export const usersTable = table('users', (column) => ({
  columns: {
    seq: column.sequence(),
    id: column.text(26),
    name: column.text(64),
    email: column.text(254),
    // The canonical form, made here: databases differ in what they take for the same text.
    emailKey: column.text(254),
    age: column.nullableInteger(),
    version: column.bigint(),
    createdAt: column.bigint(),
    updatedAt: column.bigint(),
  },
  unique: { users_id: ['id'], users_email: ['emailKey'] },
}));

export type UserRow = Omit<RowOf<typeof usersTable>, 'seq'>;

export const usersKeysTable = idempotencyEntity('users_idempotency');
