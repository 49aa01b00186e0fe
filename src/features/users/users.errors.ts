import { AppError } from '../../shared/errors/app-error';

/** Also for a user who is somebody else's business. */
export function userNotFound(id: string): AppError {
  return new AppError('not_found', 'user_not_found', `No user has the id ${id}`);
}

export function emailTaken(): AppError {
  return new AppError('already_exists', 'email_taken', 'Another user has this e-mail address');
}

export function versionMismatch(expected: number, found: number): AppError {
  return new AppError('version', 'version_mismatch', `The user has version ${found}, not ${expected}`);
}
