import { Injectable } from '@nestjs/common';
import { MoreThan } from 'typeorm';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { isUniqueViolation } from '../../shared/db/db.errors';
import { insertRow, ownedId, type RowOf, rowsOf, selectOne } from '../../shared/db/entity';
import { Idempotency, type KeyedRequest } from '../../shared/idempotency/idempotency';
import type { IdempotencyRepository, Once } from '../../shared/idempotency/idempotency.repository';
import { type UserRow, usersKeysTable, usersTable } from './users.entity';
import { emailTaken } from './users.errors';

/** The table `users`. `owner`: the only user that the caller may see; undefined: all. */
@Injectable()
export class UsersRepository {
  private readonly db: Database;
  private readonly keys: IdempotencyRepository;

  constructor(
    databases: Databases,
    private readonly idempotency: Idempotency,
  ) {
    this.db = databases.of('users');
    this.keys = idempotency.keysIn(this.db, usersKeysTable.name);
  }

  /** The user; of the same call before, the one that it made. @throws AppError email_taken, and as `Idempotency` */
  create(user: UserRow, call: KeyedRequest): Promise<Once<UserRow>> {
    const once = this.idempotency.callOf('UserService.CreateUser', call);
    return this.db.transaction((tx) =>
      this.keys.once(tx, once, async () => {
        await orTaken(insertRow(tx, usersTable, user));
        return user;
      }),
    );
  }

  /** A plain read: every check of a token waits for it. */
  find(id: string, owner: string | undefined): Promise<UserRow | undefined> {
    const where = owner === undefined ? 'WHERE id = ?' : 'WHERE id = ? AND id = ?';
    const params = owner === undefined ? [id] : [id, owner];
    return this.db.read((sql) => selectOne(sql, usersTable, where, params));
  }

  /** Oldest first; with `emailKey` only who has this address. */
  list(emailKey: string | undefined, afterSeq: number, take: number): Promise<RowOf<typeof usersTable>[]> {
    const where = { seq: MoreThan(afterSeq), ...(emailKey === undefined ? {} : { emailKey }) };
    return this.db.read((sql) => rowsOf(sql, usersTable).find({ where, order: { seq: 'ASC' }, take }));
  }

  /**
   * Writes the user over the version that was read: false when that is no longer there, whatever any lock says.
   * @throws AppError email_taken
   */
  async replace({ id, ...user }: UserRow, version: number, owner: string | undefined): Promise<boolean> {
    const where = { id: ownedId(id, owner), version };
    return this.db.transaction(
      async (tx) => (await orTaken(rowsOf(tx, usersTable).update(where, user))).affected === 1,
    );
  }

  /** False when the version that was read is no longer there. */
  remove(id: string, version: number, owner: string | undefined): Promise<boolean> {
    const where = { id: ownedId(id, owner), version };
    return this.db.transaction(async (tx) => (await rowsOf(tx, usersTable).delete(where)).affected === 1);
  }
}

/** Ids are ours and do not collide, so what exists already is the address; or the very user, where the id was chosen before. */
async function orTaken<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    throw isUniqueViolation(error) ? emailTaken() : error;
  }
}
