import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import { inList } from '../../shared/db/bulk';
import type { Database, Value } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { isUniqueViolation } from '../../shared/db/db.errors';

export type AccountRole = 'player' | 'admin';

/** What a user logs in with. */
export interface Account {
  readonly userId: string;
  /** PHC string. */
  readonly passwordHash: string;
  readonly role: AccountRole;
}

/** Whose account is at which place of the table. */
export interface PlacedAccount {
  readonly seq: number;
  readonly userId: string;
}

/** A token that was ended. `expiresAt` in milliseconds since 1970: from then on it needs no row. */
export interface Revocation {
  readonly jti: string;
  readonly userId: string;
  readonly expiresAt: number;
}

/** The tables of auth. */
@Injectable()
export class AuthRepository {
  private readonly db: Database;

  constructor(
    databases: Databases,
    private readonly clock: Clock,
  ) {
    this.db = databases.of('auth');
  }

  async account(userId: string): Promise<Account | undefined> {
    const text = 'SELECT user_id, password_hash, role FROM auth_accounts WHERE user_id = ?';
    const [row] = await this.db.read((sql) => sql.rows<AccountRow>(text, [userId]));
    return row && { userId: row.user_id, passwordHash: row.password_hash, role: row.role };
  }

  /** False when the user has no account. */
  setRole(userId: string, role: AccountRole): Promise<boolean> {
    const text = 'UPDATE auth_accounts SET role = ?, updated_at = ? WHERE user_id = ?';
    return this.db.transaction(async (tx) => (await tx.run(text, [role, this.clock.steady(), userId])) === 1);
  }

  /** Some accounts after this place, in the order of their places. */
  async after(seq: number, limit: number): Promise<PlacedAccount[]> {
    const text = 'SELECT seq, user_id FROM auth_accounts WHERE seq > ? ORDER BY seq LIMIT ?';
    const rows = await this.db.read((sql) => sql.rows<{ seq: number; user_id: string }>(text, [seq, limit]));
    return rows.map((row) => ({ seq: row.seq, userId: row.user_id }));
  }

  /** Removes the account, and with it the password. */
  async forget(userId: string): Promise<void> {
    await this.db.transaction((tx) => tx.run('DELETE FROM auth_accounts WHERE user_id = ?', [userId]));
  }

  /** The role of the account; undefined when it is not there or the token was revoked. */
  async roleOf(userId: string, jti: string): Promise<AccountRole | undefined> {
    const text = `SELECT role FROM auth_accounts WHERE user_id = ?
      AND NOT EXISTS (SELECT 1 FROM auth_revocations WHERE jti = ?)`;
    const [row] = await this.db.read((sql) => sql.rows<Pick<AccountRow, 'role'>>(text, [userId, jti]));
    return row?.role;
  }

  /** False when it was revoked before. */
  revoke({ jti, userId, expiresAt }: Revocation): Promise<boolean> {
    return this.insert('INSERT INTO auth_revocations (jti, user_id, revoked_at, expires_at) VALUES (?, ?, ?, ?)', [
      jti,
      userId,
      this.clock.steady(),
      expiresAt,
    ]);
  }

  /** Removes up to `limit` revocations of tokens that expired before `until`, and answers how many. */
  prune(until: number, limit: number): Promise<number> {
    return this.db.transaction(
      async (tx) => {
        const text = 'SELECT seq FROM auth_revocations WHERE expires_at < ? ORDER BY expires_at LIMIT ?';
        const over = await tx.rows<{ seq: number }>(text, [until, limit]);
        if (over.length === 0) return 0;
        const list = inList(over.map(({ seq }) => seq).sort((a, b) => a - b));
        return tx.run(`DELETE FROM auth_revocations WHERE seq IN ${list.text}`, list.params);
      },
      { priority: 'background' },
    );
  }

  private async insert(text: string, params: readonly Value[]): Promise<boolean> {
    try {
      await this.db.transaction((tx) => tx.run(text, params));
      return true;
    } catch (error) {
      if (isUniqueViolation(error)) return false;
      throw error;
    }
  }
}

interface AccountRow {
  readonly user_id: string;
  readonly password_hash: string;
  readonly role: AccountRole;
}
