import { Injectable } from '@nestjs/common';
import { LessThan, MoreThan } from 'typeorm';
import { Clock } from '../../shared/clock/clock';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { isUniqueViolation } from '../../shared/db/db.errors';
import { insertRow, rowsOf, selectOne } from '../../shared/db/entity';
import { prune } from '../../shared/db/prune';
import { unavailable } from '../../shared/errors/common.errors';
import {
  type Account,
  type AccountRole,
  accountsTable,
  type PlacedAccount,
  type PlacedRegistration,
  type Registration,
  type Revocation,
  registrationsTable,
  revocationsTable,
} from './auth.entity';

type Key = Pick<Registration, 'address' | 'creation'>;

const maxTries = 5;

/**
 * The tables of auth. `roleOf` is a plain read: checks of tokens wait for it. Whoever remembers its answers is told
 * (`tell`) after the COMMIT of what changes them, also when nobody knows whether that has happened.
 */
@Injectable()
export class AuthRepository {
  private readonly db: Database;
  private changed: (userId: string) => void = () => undefined;

  constructor(
    databases: Databases,
    private readonly clock: Clock,
  ) {
    this.db = databases.of('auth');
  }

  /** Says whom to tell of users whose `roleOf` is another now. */
  tell(changed: (userId: string) => void): void {
    this.changed = changed;
  }

  account(userId: string): Promise<Account | undefined> {
    return this.db.read((sql) => selectOne(sql, accountsTable, 'WHERE user_id = ?', [userId]));
  }

  /** False when the user has no account. */
  setRole(userId: string, role: AccountRole): Promise<boolean> {
    const change = { role, updatedAt: this.clock.steady() };
    const done = this.db.transaction(
      async (tx) => (await rowsOf(tx, accountsTable).update({ userId }, change)).affected === 1,
    );
    return done.finally(() => this.changed(userId));
  }

  /** Some accounts after this place, in the order of their places. */
  accountsAfter(seq: number, take: number): Promise<PlacedAccount[]> {
    const wanted = { where: { seq: MoreThan(seq) }, order: { seq: 'ASC' }, take } as const;
    return this.db.read((sql) => rowsOf(sql, accountsTable).find({ select: { seq: true, userId: true }, ...wanted }));
  }

  /** Removes the account, and with it the password. */
  async forget(userId: string): Promise<void> {
    const done = this.db.transaction((tx) => rowsOf(tx, accountsTable).delete({ userId }));
    await done.finally(() => this.changed(userId));
  }

  /** The role of the account; undefined when it is not there or the token was revoked. */
  async roleOf(userId: string, jti: string): Promise<AccountRole | undefined> {
    const text = `SELECT role FROM auth_accounts WHERE user_id = ?
      AND NOT EXISTS (SELECT 1 FROM auth_revocations WHERE jti = ?)`;
    return (await this.db.read((sql) => sql.rows<Pick<Account, 'role'>>(text, [userId, jti])))[0]?.role;
  }

  /** False when it was revoked before. */
  revoke(revocation: Revocation): Promise<boolean> {
    const row = { ...revocation, revokedAt: this.clock.steady() };
    const done = unlessThere(this.db.transaction((tx) => insertRow(tx, revocationsTable, row)));
    return done.finally(() => this.changed(row.userId));
  }

  /** Removes up to `limit` revocations of tokens that expired before an instant, and answers how many. */
  pruneRevocations(before: number, limit: number): Promise<number> {
    return prune(this.db, { table: revocationsTable.name, column: 'expires_at', before, limit });
  }

  /** This registration, or the one of the same address that has begun before and not ended. @throws AppError unavailable */
  async begin(registration: Omit<Registration, 'abandoned'>): Promise<Registration> {
    const { address } = registration;
    const row = { ...registration, abandoned: 0, begunAt: this.clock.steady(), groupId: 0 };
    for (let tries = 1; tries <= maxTries; tries += 1) {
      if (await unlessThere(this.db.transaction((tx) => insertRow(tx, registrationsTable, row)))) return row;
      // Undefined when what was there has ended before it could be read.
      const begun = await this.db.read((sql) => selectOne(sql, registrationsTable, 'WHERE address = ?', [address]));
      if (begun) return begun;
    }
    throw unavailable(new Error('Registrations of one address begin and end all the time'));
  }

  /** Ends a registration with an account. False when somebody else has ended it. */
  finish({ address, creation }: Key, account: Account): Promise<boolean> {
    const now = this.clock.steady();
    return this.db.transaction(async (tx) => {
      const { affected } = await rowsOf(tx, registrationsTable).delete({ address, creation, abandoned: 0 });
      if (affected !== 1) return false;
      await insertRow(tx, accountsTable, { ...account, createdAt: now, updatedAt: now });
      return true;
    });
  }

  /** From now on nobody finishes it. False when it has ended. */
  abandon({ address, creation }: Key): Promise<boolean> {
    return this.db.transaction(async (tx) => {
      const { affected } = await rowsOf(tx, registrationsTable).update({ address, creation }, { abandoned: 1 });
      return affected === 1;
    });
  }

  /** Ends it without an account. */
  async end({ address, creation }: Key): Promise<void> {
    await this.db.transaction((tx) => rowsOf(tx, registrationsTable).delete({ address, creation }));
  }

  /** Those that began before an instant and have not ended, in the order of their places, after one of them. */
  cutOff(before: number, after: number, take: number): Promise<PlacedRegistration[]> {
    const where = { begunAt: LessThan(before), seq: MoreThan(after) };
    return this.db.read((sql) => rowsOf(sql, registrationsTable).find({ where, order: { seq: 'ASC' }, take }));
  }
}

/** False when a row with the same key was there already. */
async function unlessThere(insertion: Promise<unknown>): Promise<boolean> {
  try {
    await insertion;
    return true;
  } catch (error) {
    if (isUniqueViolation(error)) return false;
    throw error;
  }
}
