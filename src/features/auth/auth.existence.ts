import { asInternal } from '../../shared/auth/caller';
import { AppError } from '../../shared/errors/app-error';
import type { UsersApi } from '../users/users.api';

/** Whether there is such a user, whoever asks. @throws AppError unavailable */
export async function userExists(users: UsersApi, id: string): Promise<boolean> {
  try {
    await asInternal(() => users.getUser({ id }));
    return true;
  } catch (error) {
    if (error instanceof AppError && error.kind === 'not_found') return false;
    throw error;
  }
}
