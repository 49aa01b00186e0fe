import type { Docs } from '../../shared/contract/call-docs';
import { idempotencyKeyHeader, ifMatchHeader } from '../../shared/contract/request-headers';
import type { ReservationsApi } from './reservations.api';
import {
  AuditSaleDto,
  auditAnswer,
  availabilityAnswer,
  BlockSeatsDto,
  CancelReservationDto,
  ConfirmReservationDto,
  CreateReservationDto,
  CreateSaleDto,
  ExtendReservationDto,
  GetAvailabilityDto,
  GetReservationDto,
  GetSaleDto,
  ListReservationsDto,
  ListSalesDto,
  listReservationsAnswer,
  listSalesAnswer,
  reservationAnswer,
  SetSaleStateDto,
  saleAnswer,
  sectionAvailabilityAnswer,
  UnblockSeatsDto,
  UpdateSaleDto,
  VerifyTicketDto,
  VoidGrantDto,
  verifyTicketAnswer,
  voidGrantAnswer,
} from './reservations.dto';

const at = '2026-11-27T10:00:00.000Z';
const saleId = 'founders-pack';
const section = { sectionId: 'floor', price: 4900, capacity: 100, seated: false };
const newSection = { sectionId: 'floor', price: 4900, capacity: 100, seats: [] };
const sale = {
  ...{ saleId, title: "Founder's pack", currency: 'EUR', state: 'open' as const, opensAt: at },
  ...{ holdSeconds: 60, maxPerReservation: 10, maxPerUser: 10, sections: [section] },
  ...{ version: 1, createdAt: at, updatedAt: at },
};
const places = { capacity: 100, available: 96, held: 2, sold: 2, blocked: 0 };
const level = { sectionId: 'floor', price: 4900, ...places };
const id = '01KAJ0000000000000000000AA';
const paymentId = '01KAJ0000000000000000000AB';
const items = [{ sectionId: 'floor', quantity: 2, seatIds: [] }];
const held = {
  ...{ id, saleId, userId: '01KAJ0000000000000000000AC', items, amount: 9800, currency: 'EUR' },
  ...{ status: 'held' as const, heldUntil: '2026-11-27T10:01:00.000Z', extended: false },
  ...{ version: 1, createdAt: at, updatedAt: at },
};
const ticket = 'eyJhbGciOiJIUzI1NiIsImtpZCI6ImRldiIsInR5cCI6InRpY2tldCtqd3QifQ.eyJqdGkiOiIuLi4ifQ.c2lnbmF0dXJl';
const confirmed = { ...held, status: 'confirmed' as const, paymentId, ticket, version: 2 };

const optionalKey = idempotencyKeyHeader('Sent again with the same body it has one effect and one answer', 'sale-1');
const key = idempotencyKeyHeader(
  'Required; sent again with the same body it has one effect and one answer',
  'r-1',
  true,
);
const keyed = { 400: ['idempotency_key_required'], 422: ['idempotency_key_reused'] };
const ended = ['reservation_expired', 'reservation_ended', 'in_progress', 'resource_busy'];

/** Each call as OpenAPI describes it. */
export const reservationsDocs: Docs<ReservationsApi> = {
  createSale: {
    summary: 'Create a sale with sections by quantity or by seat, and with a waiting room where there is a queue',
    request: CreateSaleDto,
    answer: saleAnswer,
    facts: ['version'],
    status: 201,
    headers: { 'Idempotency-Key': optionalKey },
    errors: { 409: ['sale_exists', 'in_progress'], 422: ['idempotency_key_reused'] },
    example: {
      request: { saleId, title: sale.title, currency: 'EUR', opensAt: at, sections: [newSection] },
      answer: sale,
    },
  },
  getSale: {
    summary: 'A sale with its sections',
    request: GetSaleDto,
    answer: saleAnswer,
    facts: ['version'],
    errors: { 404: ['sale_not_found'] },
    example: { request: { saleId }, answer: sale },
  },
  listSales: {
    summary: 'All sales, newest first',
    request: ListSalesDto,
    answer: listSalesAnswer,
    errors: { 400: ['page_token_invalid'] },
    example: { request: {}, answer: { sales: [sale], nextPageToken: '' } },
  },
  updateSale: {
    summary: 'Change the title or the end of a sale, give a section another capacity or more seats',
    request: UpdateSaleDto,
    answer: saleAnswer,
    facts: ['version'],
    headers: { 'If-Match': ifMatchHeader, 'Idempotency-Key': optionalKey },
    errors: {
      404: ['sale_not_found', 'section_not_found'],
      409: ['capacity_in_use', 'in_progress'],
      412: ['version_mismatch'],
      422: ['idempotency_key_reused'],
    },
    example: { request: { saleId, title: sale.title }, answer: { ...sale, version: 2 } },
  },
  setSaleState: {
    summary: 'Pause a sale, open it again, or close it for good; who holds something may go on',
    request: SetSaleStateDto,
    answer: saleAnswer,
    facts: ['version'],
    headers: { 'Idempotency-Key': optionalKey },
    errors: { 404: ['sale_not_found'], 409: ['sale_closed', 'in_progress'], 422: ['idempotency_key_reused'] },
    example: { request: { saleId, state: 'paused' }, answer: { ...sale, state: 'paused', version: 2 } },
  },
  getAvailability: {
    summary: 'What is left, at most 250 ms old; with a section its seats, too',
    request: GetAvailabilityDto,
    answer: availabilityAnswer,
    errors: { 400: ['page_token_invalid'], 404: ['sale_not_found', 'section_not_found'] },
    example: {
      request: { saleId },
      answer: { sections: [level], soldOut: false, seats: [], nextPageToken: '', asOf: at },
    },
  },
  blockSeats: {
    summary: 'Take seats, or a quantity, out of the sale: all of them or none',
    request: BlockSeatsDto,
    answer: sectionAvailabilityAnswer,
    headers: { 'Idempotency-Key': optionalKey },
    errors: {
      404: ['sale_not_found', 'section_not_found', 'seat_not_found'],
      409: ['sold_out', 'seats_taken', 'in_progress', 'resource_busy'],
      422: ['idempotency_key_reused'],
    },
    example: {
      request: { saleId, sectionId: 'floor', quantity: 4 },
      answer: { ...level, available: 92, blocked: 4 },
    },
  },
  unblockSeats: {
    summary: 'Give blocked seats, or a quantity, back to the sale: all of them or none',
    request: UnblockSeatsDto,
    answer: sectionAvailabilityAnswer,
    headers: { 'Idempotency-Key': optionalKey },
    errors: {
      404: ['sale_not_found', 'section_not_found', 'seat_not_found'],
      409: ['not_blocked', 'in_progress', 'resource_busy'],
      422: ['idempotency_key_reused'],
    },
    example: { request: { saleId, sectionId: 'floor', quantity: 4 }, answer: level },
  },
  auditSale: {
    summary: 'Count a sale anew out of reservations, seats and payments, and say what is not as it must be',
    request: AuditSaleDto,
    answer: auditAnswer,
    errors: { 404: ['sale_not_found'], 429: ['rate_limited'] },
    example: {
      request: { saleId },
      answer: { ok: true, sections: [{ sectionId: 'floor', ...places }], violations: [] },
    },
  },
  createReservation: {
    summary: 'Hold all of the items for the caller, or none; the price is that of the sale',
    request: CreateReservationDto,
    answer: reservationAnswer,
    facts: ['version'],
    status: 201,
    headers: { 'Idempotency-Key': key },
    errors: {
      ...keyed,
      403: ['grant_required', 'grant_invalid'],
      404: ['sale_not_found', 'section_not_found', 'seat_not_found'],
      409: [
        ...['sold_out', 'seats_taken', 'sale_not_open', 'sale_paused', 'sale_closed', 'grant_used'],
        ...['in_progress', 'resource_busy'],
      ],
      422: ['limit_exceeded', 'idempotency_key_reused'],
    },
    example: { request: { saleId, items }, answer: held },
  },
  getReservation: {
    summary: "A reservation; somebody else's is not there",
    request: GetReservationDto,
    answer: reservationAnswer,
    facts: ['version'],
    errors: { 404: ['reservation_not_found'] },
    example: { request: { id }, answer: held },
  },
  listReservations: {
    summary: "The caller's reservations, newest first; operators see everybody's",
    request: ListReservationsDto,
    answer: listReservationsAnswer,
    errors: { 400: ['page_token_invalid'] },
    example: { request: { saleId }, answer: { reservations: [held], nextPageToken: '' } },
  },
  confirmReservation: {
    summary: 'Turn a hold into a ticket: at once where it is free, else once its payment has been authorized',
    request: ConfirmReservationDto,
    answer: reservationAnswer,
    facts: ['version'],
    headers: { 'Idempotency-Key': key },
    errors: { ...keyed, 404: ['reservation_not_found'], 409: ended, 412: ['payment_not_approved'] },
    example: { request: { id, paymentId }, answer: confirmed },
  },
  cancelReservation: {
    summary: 'Give back what is held',
    request: CancelReservationDto,
    answer: reservationAnswer,
    facts: ['version'],
    headers: { 'Idempotency-Key': key },
    errors: { ...keyed, 404: ['reservation_not_found'], 409: ended },
    example: { request: { id }, answer: { ...held, status: 'cancelled', version: 2 } },
  },
  extendReservation: {
    summary: 'Hold it for another minute, once',
    request: ExtendReservationDto,
    answer: reservationAnswer,
    facts: ['version'],
    headers: { 'Idempotency-Key': key },
    errors: { ...keyed, 404: ['reservation_not_found'], 409: [...ended, 'already_extended'] },
    example: {
      request: { id },
      answer: { ...held, heldUntil: '2026-11-27T10:02:00.000Z', extended: true, version: 2 },
    },
  },
  verifyTicket: {
    summary: 'Whether a ticket is ours, unchanged, and still counts',
    request: VerifyTicketDto,
    answer: verifyTicketAnswer,
    example: {
      request: { ticket },
      answer: { valid: true, claims: { jti: id, sub: held.userId, saleId, items, iat: 1795773600 } },
    },
  },
  voidGrant: {
    summary: 'Take a grant of the waiting room out of use, unless a reservation has used it',
    request: VoidGrantDto,
    answer: voidGrantAnswer,
    example: { request: { jti: 'g-1', saleId, userId: held.userId }, answer: { voided: true } },
  },
};
