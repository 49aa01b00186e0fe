import { AppError } from '../../shared/errors/app-error';
import { validationFailed } from '../../shared/errors/common.errors';

// Trailers are bounded.
const maxToldSeats = 50;

export function saleNotFound(saleId: string): AppError {
  return new AppError('not_found', 'sale_not_found', `There is no sale ${saleId}`);
}

export function saleExists(saleId: string): AppError {
  return new AppError('already_exists', 'sale_exists', `There is a sale ${saleId} already`);
}

export function sectionNotFound(sectionId: string): AppError {
  return new AppError('not_found', 'section_not_found', `The sale has no section ${sectionId}`);
}

export function seatNotFound(sectionId: string, seatIds: readonly string[]): AppError {
  const message = `Section ${sectionId} has no seat ${seatIds[0] ?? ''}`;
  return new AppError('not_found', 'seat_not_found', message, { seatIds: seatIds.slice(0, maxToldSeats) });
}

/** Also for a reservation that is somebody else's business. */
export function reservationNotFound(id: string): AppError {
  return new AppError('not_found', 'reservation_not_found', `No reservation has the id ${id}`);
}

export function keyRequired(): AppError {
  const message = 'is required: send one, and send it again with each retry';
  return new AppError('invalid', 'idempotency_key_required', `Idempotency-Key: ${message}`, {
    fields: [{ field: 'Idempotency-Key', message }],
  });
}

/** A field that no schema can judge by itself. */
export function badField(field: string, message: string): AppError {
  return validationFailed([{ field, message }]);
}

export function saleNotOpen(retryAfterMs: number): AppError {
  return new AppError('conflict', 'sale_not_open', 'The sale has not begun', { retryAfterMs });
}

export function salePaused(): AppError {
  return new AppError('conflict', 'sale_paused', 'The sale is paused; try again', { retryAfterMs: 5000 });
}

export function saleClosed(): AppError {
  return new AppError('conflict', 'sale_closed', 'The sale is over');
}

/** Of a closed sale nothing is opened again. */
export function saleStateFinal(): AppError {
  return new AppError('conflict', 'sale_closed', 'A closed sale stays closed');
}

export function soldOut(sectionId: string): AppError {
  return new AppError('conflict', 'sold_out', `Section ${sectionId} has not that many left`);
}

export function seatsTaken(seatIds: readonly string[]): AppError {
  const message = `Taken: ${seatIds.slice(0, maxToldSeats).join(', ')}`;
  return new AppError('conflict', 'seats_taken', message, { seatIds: seatIds.slice(0, maxToldSeats) });
}

export function notBlocked(sectionId: string): AppError {
  return new AppError('conflict', 'not_blocked', `Not all of that is blocked in section ${sectionId}`);
}

export function capacityInUse(sectionId: string): AppError {
  return new AppError('conflict', 'capacity_in_use', `More than that is held, sold or blocked in section ${sectionId}`);
}

export function limitExceeded(limit: 'maxPerReservation' | 'maxPerUser', max: number): AppError {
  return new AppError('unprocessable', 'limit_exceeded', `${limit} of this sale is ${max}`);
}

export function grantRequired(): AppError {
  return new AppError(
    'forbidden',
    'grant_required',
    'This sale has a waiting room: send the grant that entering it gave',
  );
}

export function grantInvalid(): AppError {
  return new AppError('forbidden', 'grant_invalid', 'The grant is not one of ours, not yours, or has run out');
}

export function grantUsed(): AppError {
  return new AppError('conflict', 'grant_used', 'The grant was used before, or taken back');
}

export function versionMismatch(expected: number, found: number): AppError {
  return new AppError('version', 'version_mismatch', `The sale has version ${found}, not ${expected}`);
}

export function reservationExpired(): AppError {
  return new AppError('conflict', 'reservation_expired', 'The hold has run out');
}

export function reservationEnded(status: string): AppError {
  return new AppError('conflict', 'reservation_ended', `The reservation is ${status}`);
}

export function alreadyExtended(): AppError {
  return new AppError('conflict', 'already_extended', 'A hold is extended once only');
}

export function paymentNotApproved(): AppError {
  const message = 'No payment of exactly its amount has been authorized for this reservation';
  return new AppError('version', 'payment_not_approved', message, { retryAfterMs: 1000 });
}

/** Another try may pass once what has expired is free for everybody. */
export function maySucceedAfterExpiry(error: unknown): boolean {
  return error instanceof AppError && ['sold_out', 'seats_taken', 'limit_exceeded'].includes(error.code);
}
