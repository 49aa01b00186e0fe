import type { User } from '../../generated/aerie/users/v1/users';
import { asInternal } from '../../shared/auth/caller';
import { AppError } from '../../shared/errors/app-error';
import type { UsersApi } from '../users/users.api';

/** The user, whoever asks; undefined when there is none. @throws AppError unavailable */
export async function existingUser(users: UsersApi, id: string): Promise<User | undefined> {
  try {
    return await asInternal(() => users.getUser({ id }));
  } catch (error) {
    if (error instanceof AppError && error.kind === 'not_found') return undefined;
    throw error;
  }
}
