import { AppError } from '../../shared/errors/app-error';

/** One answer for unknown users and wrong passwords, so that it does not tell who plays here. */
export function credentialsInvalid(): AppError {
  return new AppError('unauthenticated', 'credentials_invalid', 'E-mail address or password is wrong', {
    challenge: 'Bearer',
  });
}

export function emailTaken(): AppError {
  return new AppError('already_exists', 'email_taken', 'Another user has this e-mail address');
}

/** A user whom an administrator made: without a password there is nothing that could have a role. */
export function accountNotFound(userId: string): AppError {
  return new AppError('not_found', 'account_not_found', `The user ${userId} has never registered`);
}

export function tooManyTries(retryAfterMs: number): AppError {
  return new AppError('throttled', 'rate_limited', 'Too many tries; wait before the next one', { retryAfterMs });
}

/** More passwords to hash than this process can; nothing was looked at. */
export function tooManyHashes(): AppError {
  return new AppError('throttled', 'rate_limited', 'Too many people log in just now; try again', {
    retryAfterMs: 1000,
  });
}
