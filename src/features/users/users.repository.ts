import { Injectable } from '@nestjs/common';
import type { Database, Sql, Value } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { isUniqueViolation } from '../../shared/db/db.errors';
import { ownedBy } from '../../shared/db/ownership';
import { Idempotency } from '../../shared/idempotency/idempotency';
import type { IdempotencyRepository, IdempotentCall } from '../../shared/idempotency/idempotency.repository';
import { emailTaken } from './users.errors';

/** A row of `users`. Times are milliseconds since 1970. */
export interface StoredUser {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly emailKey: string;
  readonly age: number | null;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A user with the place in the list of all. */
export interface PlacedUser extends StoredUser {
  readonly seq: number;
}

const select = 'SELECT seq, id, name, email, email_key, age, version, created_at, updated_at FROM users';

/** The table `users`. `owner`: the only user that the caller may see; undefined: all. */
@Injectable()
export class UsersRepository {
  private readonly db: Database;
  private readonly keys: IdempotencyRepository;

  constructor(databases: Databases, idempotency: Idempotency) {
    this.db = databases.of('users');
    this.keys = idempotency.keysIn(this.db, 'users_idempotency');
  }

  /** The user; of the same call before, the one that it made. @throws AppError email_taken */
  create(user: StoredUser, call: IdempotentCall | undefined): Promise<StoredUser> {
    return this.db.transaction((tx) =>
      this.keys.once(tx, call, async () => {
        await insert(tx, user);
        return user;
      }),
    );
  }

  async find(id: string, owner: string | undefined): Promise<StoredUser | undefined> {
    const own = ownedBy('id', owner);
    const [user] = await this.select(`${select} WHERE id = ?${own.text}`, [id, ...own.params]);
    return user;
  }

  /** Oldest first; with `emailKey` only who has this address. */
  list(emailKey: string | undefined, afterSeq: number, limit: number): Promise<PlacedUser[]> {
    const filter = emailKey === undefined ? '' : ' AND email_key = ?';
    const params = [afterSeq, ...(emailKey === undefined ? [] : [emailKey]), limit];
    return this.select(`${select} WHERE seq > ?${filter} ORDER BY seq LIMIT ?`, params);
  }

  /**
   * Writes the user over the version that was read: false when that is no longer there, whatever any lock says.
   * @throws AppError email_taken
   */
  replace(user: StoredUser, version: number, owner: string | undefined): Promise<boolean> {
    const own = ownedBy('id', owner);
    const text = `UPDATE users SET name = ?, email = ?, email_key = ?, age = ?, version = ?, updated_at = ?
      WHERE id = ? AND version = ?${own.text}`;
    const values = [user.name, user.email, user.emailKey, user.age, user.version, user.updatedAt];
    return this.change(text, [...values, user.id, version, ...own.params]);
  }

  /** False when the version that was read is no longer there. */
  remove(id: string, version: number, owner: string | undefined): Promise<boolean> {
    const own = ownedBy('id', owner);
    return this.change(`DELETE FROM users WHERE id = ? AND version = ?${own.text}`, [id, version, ...own.params]);
  }

  private change(text: string, params: readonly Value[]): Promise<boolean> {
    return this.db.transaction(async (tx) => (await orTaken(tx.run(text, params))) > 0);
  }

  private async select(text: string, params: readonly Value[]): Promise<PlacedUser[]> {
    return (await this.db.read((sql) => sql.rows<UserRow>(text, params))).map(toUser);
  }
}

async function insert(tx: Sql, user: StoredUser): Promise<void> {
  const values = [user.id, user.name, user.email, user.emailKey, user.age];
  await orTaken(
    tx.run(
      `INSERT INTO users (id, name, email, email_key, age, version, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      [...values, user.version, user.createdAt, user.updatedAt],
    ),
  );
}

/** Ids are ours and do not collide, so what exists already is the address; or the very user, where the id was chosen before. */
async function orTaken<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    throw isUniqueViolation(error) ? emailTaken() : error;
  }
}

interface UserRow {
  readonly seq: number;
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly email_key: string;
  readonly age: number | null;
  readonly version: number;
  readonly created_at: number;
  readonly updated_at: number;
}

function toUser({ email_key: emailKey, created_at: createdAt, updated_at: updatedAt, ...row }: UserRow): PlacedUser {
  return { ...row, emailKey, createdAt, updatedAt };
}
