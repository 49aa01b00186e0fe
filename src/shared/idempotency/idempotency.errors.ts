import { AppError } from '../errors/app-error';

export function idempotencyKeyReused(): AppError {
  return new AppError(
    'unprocessable',
    'idempotency_key_reused',
    'This Idempotency-Key was used before, for another request',
  );
}

/** The first request with this key is not finished. */
export function inProgress(): AppError {
  return new AppError('conflict', 'in_progress', 'The first request with this Idempotency-Key is not finished', {
    retryAfterMs: 1000,
  });
}
