import { AppError } from '../../shared/errors/app-error';

export function idempotencyKeyRequired(): AppError {
  return new AppError('invalid', 'idempotency_key_required', 'An Idempotency-Key is required', {
    fields: [{ field: 'Idempotency-Key', message: 'is required' }],
  });
}

/** Also for a payment that is somebody else's business. */
export function paymentNotFound(id: string): AppError {
  return new AppError('not_found', 'payment_not_found', `No payment has the id ${id}`);
}

/** Also for a reservation that is somebody else's business. */
export function reservationNotFound(id: string): AppError {
  return new AppError('not_found', 'reservation_not_found', `No reservation has the id ${id}`);
}

export function reservationNotHeld(status: string): AppError {
  return new AppError('conflict', 'reservation_not_held', `The reservation is ${status}: there is nothing to pay`);
}

/** What is free is confirmed without a payment. */
export function nothingToPay(): AppError {
  return new AppError('unprocessable', 'nothing_to_pay', 'The reservation is free: confirm it without a payment');
}

export function paymentExists(): AppError {
  return new AppError('already_exists', 'payment_exists', 'The reservation has a payment that is not over');
}

export function paymentNotPending(status: string): AppError {
  return new AppError('conflict', 'payment_not_pending', `The payment is ${status}: it is processed once`);
}

/** The money that is set aside belongs to the reservation: whoever cancels that one gets it back. */
export function paymentNotCancellable(status: string): AppError {
  const message =
    status === 'authorized' ? 'The payment is authorized: cancel the reservation' : `The payment is ${status}`;
  return new AppError('conflict', 'payment_not_cancellable', message);
}

export function paymentNotRefundable(status: string): AppError {
  return new AppError('conflict', 'payment_not_refundable', `The payment is ${status}: nothing was captured`);
}

export function refundExceedsCapture(left: number): AppError {
  return new AppError('unprocessable', 'refund_exceeds_capture', `At most ${left} can be refunded`, {
    fields: [{ field: 'amount', message: `must be at most ${left}` }],
  });
}

/** One answer for every way in which a signature can fail, so that it teaches nothing. */
export function signatureInvalid(): AppError {
  return new AppError(
    'unauthenticated',
    'signature_invalid',
    'The signature is missing, wrong or out of its time window',
  );
}
