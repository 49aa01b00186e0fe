import type { Reservation } from '../../generated/aerie/reservations/v1/reservations';
import { toTime } from '../../shared/clock/time';
import type { Found } from './reservations.repository';
import { toItem } from './reservations.tickets';

/** A reservation as its owner sees it. */
export function toReservation({ row, items }: Found): Reservation {
  const { id, saleId, userId, amount, currency, status, version } = row;
  return {
    ...{ id, saleId, userId, items: items.map((one) => toItem(one.sectionId, one.quantity, one.seatIds)) },
    ...{ amount, currency, status, heldUntil: toTime(row.heldUntil), extended: row.extended === 1 },
    ...(row.paymentId !== null && { paymentId: row.paymentId }),
    ...(row.ticket !== null && { ticket: row.ticket }),
    ...{ version, createdAt: toTime(row.createdAt), updatedAt: toTime(row.updatedAt) },
  };
}
