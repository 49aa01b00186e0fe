import { AppError, type FieldViolation } from './app-error';

export function validationFailed(fields: readonly FieldViolation[]): AppError {
  const first = fields[0];
  const message = first ? `${first.field}: ${first.message}` : 'The request is not valid';
  return new AppError('invalid', 'validation_failed', message, { fields });
}

export function malformedJson(message: string, field?: string): AppError {
  return new AppError(
    'invalid',
    'malformed_json',
    message,
    field === undefined ? {} : { fields: [{ field, message }] },
  );
}

export function bodyTooLarge(limit: number): AppError {
  return new AppError('too_large', 'body_too_large', `The body is larger than ${limit} bytes`);
}

export function unsupportedMediaType(): AppError {
  return new AppError('media_type', 'unsupported_media_type', 'Send Content-Type: application/json in UTF-8');
}

export function routeNotFound(): AppError {
  return new AppError('not_found', 'route_not_found', 'No such route');
}

export function methodNotAllowed(allow: readonly string[]): AppError {
  return new AppError('method', 'method_not_allowed', `This route has ${allow.join(', ')}`, { allow });
}

/** What is served there has another protocol than HTTP. */
export function upgradeRequired(): AppError {
  const message = 'Ask for a WebSocket here: Connection: Upgrade, Upgrade: websocket';
  return new AppError('upgrade', 'upgrade_required', message, { upgrade: 'websocket' });
}

export function tokenInvalid(): AppError {
  return new AppError('unauthenticated', 'token_invalid', 'A valid bearer token is required', {
    challenge: 'Bearer',
  });
}

/** Another process calls, or somebody who says so, with a secret that is none of ours. */
export function secretUnknown(): AppError {
  const message = 'This process does not know that INTERNAL_API_SECRET';
  return new AppError('unauthenticated', 'secret_unknown', message, { challenge: 'Bearer' });
}

/** Processes send a call to each other in circles. Not `unavailable`: nobody may try it again. */
export function misrouted(): AppError {
  return new AppError('internal', 'misrouted', 'Processes send this call to each other: see where <FEATURE>_URL leads');
}

export function forbidden(): AppError {
  return new AppError('forbidden', 'forbidden', 'This call needs other rights');
}

/** Somebody else is changing the same thing, for longer than callers wait; nothing was changed here. */
export function resourceBusy(retryAfterMs = 1000): AppError {
  const message = 'It is being changed by others just now; try again';
  return new AppError('conflict', 'resource_busy', message, { retryAfterMs });
}

/** The request cannot be served just now; nothing was accepted. `retryAfterMs` defaults to a second. */
export function unavailable(cause?: unknown, retryAfterMs = 1000): AppError {
  return new AppError(
    'unavailable',
    'unavailable',
    'The service cannot answer right now; try again',
    { retryAfterMs },
    cause,
  );
}

export function deadlineExceeded(cause?: unknown): AppError {
  return new AppError('deadline', 'deadline_exceeded', 'The time limit has passed', {}, cause);
}

export function pageTokenInvalid(): AppError {
  return new AppError('invalid', 'page_token_invalid', 'pageToken is not one that this list gave out', {
    fields: [{ field: 'pageToken', message: 'is not one that this list gave out' }],
  });
}

export function internal(cause: unknown): AppError {
  return new AppError('internal', 'internal', 'An unexpected error occurred', {}, cause);
}
