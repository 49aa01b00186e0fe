import { Table } from 'typeorm';
import { bigint, integer, sequence, text } from '../../shared/db/columns';
import { createTable } from '../../shared/db/table.migration';
import { idempotencyTable } from '../../shared/idempotency/idempotency.table';

const CreateUsers1795219600000 = createTable(
  'CreateUsers1795219600000',
  (type) =>
    new Table({
      name: 'users',
      columns: [
        sequence(type),
        text(type, 'id', 26),
        text(type, 'name', 64),
        text(type, 'email', 254),
        // The canonical form, made here: databases differ in what they take for the same text.
        text(type, 'email_key', 254),
        integer(type, 'age', { isNullable: true }),
        bigint(type, 'version'),
        bigint(type, 'created_at'),
        bigint(type, 'updated_at'),
      ],
      indices: [
        { name: 'users_id', columnNames: ['id'], isUnique: true },
        { name: 'users_email', columnNames: ['email_key'], isUnique: true },
      ],
    }),
);

const CreateUsersIdempotency1795219600001 = createTable('CreateUsersIdempotency1795219600001', (type) =>
  idempotencyTable(type, 'users_idempotency'),
);

export const usersMigrations = [CreateUsers1795219600000, CreateUsersIdempotency1795219600001];
