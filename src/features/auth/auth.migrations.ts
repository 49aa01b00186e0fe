import { Table } from 'typeorm';
import { bigint, integer, sequence, text } from '../../shared/db/columns';
import { addColumn, createTable } from '../../shared/db/table.migration';

const CreateAuthAccounts1795219700000 = createTable(
  'CreateAuthAccounts1795219700000',
  (type) =>
    new Table({
      name: 'auth_accounts',
      columns: [
        sequence(type),
        text(type, 'user_id', 26),
        text(type, 'password_hash', 255),
        text(type, 'role', 16),
        bigint(type, 'created_at'),
        bigint(type, 'updated_at'),
      ],
      indices: [{ name: 'auth_accounts_user', columnNames: ['user_id'], isUnique: true }],
    }),
);

const CreateAuthRevocations1795219700001 = createTable(
  'CreateAuthRevocations1795219700001',
  (type) =>
    new Table({
      name: 'auth_revocations',
      columns: [
        sequence(type),
        text(type, 'jti', 26),
        text(type, 'user_id', 26),
        bigint(type, 'revoked_at'),
        bigint(type, 'expires_at'),
      ],
      indices: [
        { name: 'auth_revocations_jti', columnNames: ['jti'], isUnique: true },
        { name: 'auth_revocations_expiry', columnNames: ['expires_at'] },
      ],
    }),
);

const CreateAuthRegistrations1795219700002 = createTable(
  'CreateAuthRegistrations1795219700002',
  (type) =>
    new Table({
      name: 'auth_registrations',
      columns: [
        sequence(type),
        text(type, 'address', 64),
        text(type, 'creation', 64),
        text(type, 'name', 255),
        text(type, 'email', 320),
        bigint(type, 'begun_at'),
        integer(type, 'abandoned', { default: 0 }),
        bigint(type, 'group_id'),
      ],
      indices: [
        { name: 'auth_registrations_address', columnNames: ['address'], isUnique: true },
        { name: 'auth_registrations_begun', columnNames: ['begun_at'] },
      ],
    }),
);

const AddAuthRegistrationUser1795700700000 = addColumn(
  'AddAuthRegistrationUser1795700700000',
  'auth_registrations',
  (type) => text(type, 'user_id', 26, { default: "''" }),
);

export const authMigrations = [
  CreateAuthAccounts1795219700000,
  CreateAuthRevocations1795219700001,
  CreateAuthRegistrations1795219700002,
  AddAuthRegistrationUser1795700700000,
];
