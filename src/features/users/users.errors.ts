import { AppError } from '../../shared/errors/app-error';
import { validationFailed } from '../../shared/errors/common.errors';

/** Also for a user who is somebody else's business. */
export function userNotFound(id: string): AppError {
  return new AppError('not_found', 'user_not_found', `No user has the id ${id}`);
}

export function emailTaken(): AppError {
  return new AppError('already_exists', 'email_taken', 'Another user has this e-mail address');
}

/** Only another process may choose the id of a user. */
export function idNotYours(): AppError {
  return validationFailed([{ field: 'id', message: 'is not a known property' }]);
}

export function isEmailTaken(error: unknown): boolean {
  return error instanceof AppError && error.code === 'email_taken';
}

export function versionMismatch(expected: number, found: number): AppError {
  return new AppError('version', 'version_mismatch', `The user has version ${found}, not ${expected}`);
}
