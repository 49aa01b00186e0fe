import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import { insertNew, newGroupId } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { unavailable } from '../../shared/errors/common.errors';
import type { Account } from './auth.repository';

/** What a user is created with. */
export interface Words {
  readonly name: string;
  readonly email: string;
}

interface Key {
  /** A name for the e-mail address that does not tell it; one registration at a time has it. */
  readonly address: string;
  /** The Idempotency-Key under which the user is created; no other registration has it. */
  readonly creation: string;
}

/** The user that it makes. Chosen here: however late it is completed, it is this one. */
interface Chosen {
  /** Empty where it was begun by a version that left the choice to users. */
  readonly userId: string;
}

/** A registration that has begun and not ended. */
export interface Registration extends Words, Key, Chosen {
  /** Nobody may finish it any more; what it left is to be removed. */
  readonly abandoned: boolean;
}

/** One with its place in the table. */
export interface PlacedRegistration extends Registration {
  readonly seq: number;
}

const maxTries = 5;
const columns = {
  address: 'text',
  creation: 'text',
  user_id: 'text',
  name: 'text',
  email: 'text',
  begun_at: 'int',
} as const;
const select = 'SELECT seq, address, creation, user_id, name, email, abandoned FROM auth_registrations';

/** The table `auth_registrations`, and how accounts come to be. */
@Injectable()
export class RegistrationsRepository {
  private readonly db: Database;

  constructor(
    databases: Databases,
    private readonly clock: Clock,
  ) {
    this.db = databases.of('auth');
  }

  /** This registration, or the one of the same address that has begun before and not ended. @throws AppError unavailable */
  async begin(registration: Words & Key & Chosen): Promise<Registration> {
    for (let tries = 1; tries <= maxTries; tries += 1) {
      const begun = await this.beginOrFind(registration);
      if (begun) return begun;
    }
    throw unavailable(new Error('Registrations of one address begin and end all the time'));
  }

  /** Ends a registration with an account. False when somebody else has ended it. */
  finish({ address, creation }: Key, { userId, passwordHash, role }: Account): Promise<boolean> {
    const now = this.clock.steady();
    return this.db.transaction(async (tx) => {
      const text = 'DELETE FROM auth_registrations WHERE address = ? AND creation = ? AND abandoned = 0';
      if ((await tx.run(text, [address, creation])) === 0) return false;
      await tx.run(
        'INSERT INTO auth_accounts (user_id, password_hash, role, created_at, updated_at) VALUES (?, ?, ?, ?, ?)',
        [userId, passwordHash, role, now, now],
      );
      return true;
    });
  }

  /** From now on nobody finishes it. False when it has ended. */
  abandon({ address, creation }: Key): Promise<boolean> {
    const text = 'UPDATE auth_registrations SET abandoned = 1 WHERE address = ? AND creation = ?';
    return this.db.transaction(async (tx) => (await tx.run(text, [address, creation])) === 1);
  }

  /** Ends it without an account. */
  async end({ address, creation }: Key): Promise<void> {
    const text = 'DELETE FROM auth_registrations WHERE address = ? AND creation = ?';
    await this.db.transaction((tx) => tx.run(text, [address, creation]));
  }

  /** Those that began before an instant and have not ended, in the order of their places, after one of them. */
  async cutOff(before: number, after: number, limit: number): Promise<PlacedRegistration[]> {
    const text = `${select} WHERE begun_at < ? AND seq > ? ORDER BY seq LIMIT ?`;
    return (await this.db.read((sql) => sql.rows<RegistrationRow>(text, [before, after, limit]))).map(toRegistration);
  }

  /** Undefined when what was there has ended before it could be read. */
  private beginOrFind(begun: Words & Key & Chosen): Promise<Registration | undefined> {
    const { address, creation, userId, name, email } = begun;
    const rows = [[address, creation, userId, name, email, this.clock.steady()]];
    const groupId = newGroupId();
    return this.db.transaction(async (tx) => {
      const fresh = await insertNew(tx, { table: 'auth_registrations', columns, key: ['address'], rows, groupId });
      if (fresh.size > 0) return { ...begun, abandoned: false };
      const [row] = await tx.rows<RegistrationRow>(`${select} WHERE address = ?`, [address]);
      return row && toRegistration(row);
    });
  }
}

interface RegistrationRow extends Omit<PlacedRegistration, 'abandoned' | 'userId'> {
  readonly user_id: string;
  readonly abandoned: number;
}

function toRegistration({ abandoned, user_id: userId, ...row }: RegistrationRow): PlacedRegistration {
  return { ...row, userId, abandoned: abandoned === 1 };
}
