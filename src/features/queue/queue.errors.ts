import { AppError } from '../../shared/errors/app-error';

export function queueNotFound(saleId: string): AppError {
  return new AppError('not_found', 'queue_not_found', `The sale ${saleId} has no waiting room`);
}

/** Also for a ticket that is somebody else's. */
export function queueTicketNotFound(): AppError {
  return new AppError('not_found', 'queue_ticket_not_found', 'There is no such ticket');
}

export function queueNotOpen(retryAfterMs: number): AppError {
  return new AppError('conflict', 'queue_not_open', 'The waiting room is not open yet', { retryAfterMs });
}

export function queueClosed(): AppError {
  return new AppError('conflict', 'queue_closed', 'The sale is over, and nobody waits for it');
}

export function notReady(retryAfterMs: number): AppError {
  return new AppError('forbidden', 'not_ready', 'The ticket was not called yet', { retryAfterMs });
}

export function queueTicketEnded(status: string): AppError {
  return new AppError('conflict', 'queue_ticket_ended', `The ticket is ${status}: join again for a new one`);
}

/** Its holder goes on with it; only who has lost it cannot be told again what it was. */
export function queueTicketKeyGone(): AppError {
  return new AppError(
    'conflict',
    'queue_ticket_key_gone',
    'Your ticket was made with a key that this server does not have any more: go on with the ticket that you were given',
  );
}

export function joinedTooOften(max: number): AppError {
  return new AppError(
    'unprocessable',
    'limit_exceeded',
    `One user may have ${max} tickets for a sale, one after the other`,
  );
}

export function turnKept(retryAfterMs: number): AppError {
  return new AppError('conflict', 'sale_paused', 'The sale is paused: your turn is kept', { retryAfterMs });
}
