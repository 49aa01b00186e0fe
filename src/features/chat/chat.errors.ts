import { AppError } from '../../shared/errors/app-error';
import { validationFailed } from '../../shared/errors/common.errors';
import type { Kind } from '../../shared/errors/kinds';
import type { RefusalCode } from './chat.effects';
import { refusal } from './chat.told';

const kindOf: Readonly<Record<RefusalCode, Kind>> = {
  username_taken: 'already_exists',
  already_registered: 'conflict',
  not_registered: 'conflict',
  user_not_found: 'not_found',
  cannot_whisper_self: 'unprocessable',
  id_reused: 'unprocessable',
  message_not_found: 'not_found',
  too_many_rooms: 'throttled',
  unavailable: 'unavailable',
};

/** What the registry has refused, to whoever called. */
export function chatRefused(code: RefusalCode): AppError {
  const retry = code === 'unavailable' || code === 'too_many_rooms' ? { retryAfterMs: 1000 } : {};
  return new AppError(kindOf[code], code, refusal(code).message ?? code, retry);
}

export function isIdReused(error: unknown): boolean {
  return error instanceof AppError && error.code === 'id_reused';
}

export function chatTokenRequired(): AppError {
  return new AppError('unauthenticated', 'token_invalid', 'This server wants a token: log in first', {
    challenge: 'Bearer',
  });
}

/** `instead`: with what it may be left out. */
export function usernameRequired(instead = 'a token'): AppError {
  return validationFailed([{ field: 'name', message: `is required without ${instead}` }]);
}

export function chatMuted(until: string, reason: string, retryAfterMs: number): AppError {
  return new AppError('forbidden', 'muted', mutedUntil(until, reason), { retryAfterMs: Math.max(1, retryAfterMs) });
}

/** What somebody who is silenced is told. */
export function mutedUntil(until: string, reason: string): string {
  return `until ${until}: ${reason}`;
}

export function chatTooFast(retryAfterMs: number): AppError {
  return new AppError('throttled', 'slow_down', 'Ten messages a second are as many as there may be', { retryAfterMs });
}

export function tooManyReports(retryAfterMs: number): AppError {
  return new AppError('throttled', 'slow_down', 'Ten reports a minute are as many as there may be', { retryAfterMs });
}

/** Whoever wants to hear what happens has to be connected to a process that runs chat. */
export function chatElsewhere(): AppError {
  const message = 'Chat runs in another process: connect there; this one serves its calls only';
  return new AppError('unavailable', 'chat_elsewhere', message, { retryAfterMs: 60_000 });
}
