import { AppError, type LimitLeft } from '../../shared/errors/app-error';

export function idempotencyKeyRequired(): AppError {
  return new AppError('invalid', 'idempotency_key_required', 'id: an Idempotency-Key (or webhook-id) is required', {
    fields: [{ field: 'id', message: 'is required' }],
  });
}

/** One answer for every way in which a signature can fail, so that it teaches nothing; `why` is for developers only. */
export function signatureInvalid(why?: string): AppError {
  const message = 'The signature is missing, wrong or out of its time window';
  return new AppError('unauthenticated', 'signature_invalid', why === undefined ? message : `${message}: ${why}`);
}

export function occurredAtOutOfRange(): AppError {
  const message = 'occurredAt is more than 5 minutes ahead or more than 7 days old';
  return new AppError('unprocessable', 'occurred_at_out_of_range', message, {
    fields: [{ field: 'occurredAt', message: 'is more than 5 minutes ahead or more than 7 days old' }],
  });
}

export function idempotencyKeyReused(): AppError {
  return new AppError('unprocessable', 'idempotency_key_reused', 'This id was accepted before with another body');
}

export function rateLimited(retryAfterMs: number, limits: readonly LimitLeft[]): AppError {
  return new AppError('throttled', 'rate_limited', 'This signing key sends more events than it may', {
    retryAfterMs,
    limits,
  });
}

/** `retryAfterMs`: until there is room again. */
export function playerThrottled(retryAfterMs = 1000): AppError {
  return new AppError('throttled', 'player_throttled', 'This player sends more events than the rules allow', {
    retryAfterMs,
  });
}

/** `retryAfterMs`: until the block ends. */
export function playerBlocked(retryAfterMs = 1000): AppError {
  return new AppError('forbidden', 'player_blocked', 'This player may not send events for now', { retryAfterMs });
}

export function eventNotFound(id: string): AppError {
  return new AppError('not_found', 'event_not_found', `No accepted event has the id ${id}`);
}

export function deadLetterNotFound(id: string): AppError {
  return new AppError('not_found', 'dead_letter_not_found', `No dead letter has the id ${id}`);
}
