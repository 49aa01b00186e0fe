import { type RowOf, table } from '../../shared/db/entity';

export type AccountRole = 'player' | 'admin';

/** Users log in with a row of these. `passwordHash` is a PHC string; times here and below are milliseconds since 1970. */
export const accountsTable = table('auth_accounts', (column) => ({
  columns: {
    seq: column.sequence(),
    userId: column.text(26),
    passwordHash: column.text(255),
    role: column.text<AccountRole>(16),
    createdAt: column.bigint(),
    updatedAt: column.bigint(),
  },
  unique: { auth_accounts_user: ['userId'] },
}));

/** Tokens that were ended. From `expiresAt` on one needs no row. */
export const revocationsTable = table('auth_revocations', (column) => ({
  columns: {
    seq: column.sequence(),
    jti: column.text(26),
    userId: column.text(26),
    revokedAt: column.bigint(),
    expiresAt: column.bigint(),
  },
  unique: { auth_revocations_jti: ['jti'] },
  indices: { auth_revocations_expiry: ['expiresAt'] },
}));

/** Registrations that have begun and not ended. */
export const registrationsTable = table('auth_registrations', (column) => ({
  columns: {
    seq: column.sequence(),
    // A name for the e-mail address that does not tell it; one registration at a time has it.
    address: column.text(64),
    // The Idempotency-Key under which the user is created; no other registration has it.
    creation: column.text(64),
    name: column.text(255),
    email: column.text(320),
    begunAt: column.bigint(),
    // 1: nobody may finish it any more; what it left is to be removed.
    abandoned: column.integer({ default: 0 }),
    // Earlier versions told by it which row was theirs.
    groupId: column.bigint(),
    // The user that it makes, chosen here: however late it is completed, it is this one. Empty in rows of earlier versions.
    userId: column.text(26, { default: '' }),
  },
  unique: { auth_registrations_address: ['address'] },
  indices: { auth_registrations_begun: ['begunAt'] },
}));

export type Account = Pick<RowOf<typeof accountsTable>, 'userId' | 'passwordHash' | 'role'>;
export type PlacedAccount = Pick<RowOf<typeof accountsTable>, 'seq' | 'userId'>;
export type Revocation = Pick<RowOf<typeof revocationsTable>, 'jti' | 'userId' | 'expiresAt'>;
export type PlacedRegistration = RowOf<typeof registrationsTable>;
export type Registration = Pick<PlacedRegistration, 'address' | 'creation' | 'userId' | 'name' | 'email' | 'abandoned'>;
