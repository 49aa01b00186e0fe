import { z } from 'zod';
import type {
  AuditSaleRequest,
  BlockSeatsRequest,
  CancelReservationRequest,
  ConfirmReservationRequest,
  CreateReservationRequest,
  CreateSaleRequest,
  ExtendReservationRequest,
  GetAvailabilityRequest,
  GetReservationRequest,
  GetSaleRequest,
  ListReservationsRequest,
  ListSalesRequest,
  SetSaleStateRequest,
  UnblockSeatsRequest,
  UpdateSaleRequest,
  VerifyTicketRequest,
  VoidGrantRequest,
  WatchReservationRequest,
} from '../../generated/aerie/reservations/v1/reservations';
import { dto } from '../../shared/contract/dto';
import {
  name,
  pageSize,
  pageToken,
  playerId,
  text,
  time,
  timeAnswer,
  ulid,
  wholeNumber,
} from '../../shared/contract/schemas';
import { saleId, seatId } from './reservations.fields';

const currency = z
  .string('must be a string')
  .regex(/^[A-Z]{3}$/, 'must be three letters of ISO 4217')
  .meta({ minLength: 3, maxLength: 3 });
const maxSeats = 20_000;
const seats = z.array(seatId, 'must be a list').max(maxSeats, `must have at most ${maxSeats} seats`).default([]);
const picked = z.array(seatId, 'must be a list').max(100, 'must have at most 100 seats').default([]);
const capacity = wholeNumber(1, 1_000_000);
const price = wholeNumber(0, 1_000_000_000_000);
const quantity = wholeNumber(1, 100);
const saleState = z.enum(['open', 'paused', 'closed'], 'must be open, paused or closed');
const seconds = (min: number, max: number) => wholeNumber(min, max).optional();

const waitingRoom = z.strictObject({
  activePlaces: wholeNumber(1, 1_000_000).optional(),
  readySeconds: seconds(5, 3600),
  grantSeconds: seconds(5, 3600),
  silenceSeconds: seconds(10, 86_400),
  opensAt: time.optional(),
  drawAt: time.optional(),
});
const newSection = z.strictObject({ sectionId: name, price, capacity: capacity.optional(), seats });
const sectionChange = z.strictObject({ sectionId: name, capacity: capacity.optional(), seats });

export class CreateSaleDto extends dto<CreateSaleRequest>(
  z.strictObject({
    saleId,
    title: text(1, 128),
    currency,
    opensAt: time,
    closesAt: time.optional(),
    holdSeconds: seconds(10, 900),
    maxPerReservation: quantity.optional(),
    maxPerUser: wholeNumber(1, 10_000).optional(),
    queue: waitingRoom.optional(),
    sections: z
      .array(newSection, 'must be a list')
      .min(1, 'must have at least 1 section')
      .max(50, 'must have at most 50 sections'),
  }),
) {}

export class GetSaleDto extends dto<GetSaleRequest>(z.strictObject({ saleId })) {}

export class ListSalesDto extends dto<ListSalesRequest>(z.strictObject({ pageSize, pageToken })) {}

export class UpdateSaleDto extends dto<UpdateSaleRequest>(
  z.strictObject({
    saleId,
    title: text(1, 128).optional(),
    closesAt: time.optional(),
    sections: z.array(sectionChange, 'must be a list').max(50, 'must have at most 50 sections').default([]),
    expectedVersion: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  }),
) {}

export class SetSaleStateDto extends dto<SetSaleStateRequest>(z.strictObject({ saleId, state: saleState })) {}

export class GetAvailabilityDto extends dto<GetAvailabilityRequest>(
  // A plan of seats is drawn from large pages.
  z.strictObject({ saleId, sectionId: name.optional(), pageSize: wholeNumber(1, 1000).optional(), pageToken }),
) {}

const moved = z.strictObject({ saleId, sectionId: name, quantity: capacity.optional(), seatIds: seats });

export class BlockSeatsDto extends dto<BlockSeatsRequest>(moved) {}

export class UnblockSeatsDto extends dto<UnblockSeatsRequest>(moved) {}

export class AuditSaleDto extends dto<AuditSaleRequest>(z.strictObject({ saleId })) {}

const item = z.strictObject({ sectionId: name, quantity: quantity.optional(), seatIds: picked });

export class CreateReservationDto extends dto<CreateReservationRequest>(
  z.strictObject({
    saleId,
    items: z.array(item, 'must be a list').min(1, 'must have at least 1 item').max(20, 'must have at most 20 items'),
    grant: z
      .string('must be a string')
      .min(1, 'must not be empty')
      .max(2048, 'must have at most 2048 characters')
      .optional(),
  }),
) {}

export class GetReservationDto extends dto<GetReservationRequest>(z.strictObject({ id: ulid })) {}

export class ListReservationsDto extends dto<ListReservationsRequest>(
  z.strictObject({ saleId: saleId.optional(), pageSize, pageToken }),
) {}

export class ConfirmReservationDto extends dto<ConfirmReservationRequest>(
  z.strictObject({ id: ulid, paymentId: ulid.optional() }),
) {}

export class CancelReservationDto extends dto<CancelReservationRequest>(z.strictObject({ id: ulid })) {}

export class ExtendReservationDto extends dto<ExtendReservationRequest>(z.strictObject({ id: ulid })) {}

export class VerifyTicketDto extends dto<VerifyTicketRequest>(
  z.strictObject({
    ticket: z.string('must be a string').min(1, 'must not be empty').max(8192, 'must have at most 8192 characters'),
  }),
) {}

export class VoidGrantDto extends dto<VoidGrantRequest>(
  z.strictObject({ jti: text(1, 64), saleId, userId: playerId }),
) {}

export class WatchReservationDto extends dto<WatchReservationRequest>(z.strictObject({ id: ulid })) {}

const whole = z.number().int();

const sectionAnswer = z.object({ sectionId: z.string(), price: whole, capacity: whole, seated: z.boolean() });

export const saleAnswer = z.object({
  saleId: z.string(),
  title: z.string(),
  currency: z.string(),
  state: saleState,
  opensAt: timeAnswer,
  closesAt: timeAnswer.optional(),
  holdSeconds: whole,
  maxPerReservation: whole,
  maxPerUser: whole,
  queue: z
    .object({
      activePlaces: whole,
      readySeconds: whole,
      grantSeconds: whole,
      silenceSeconds: whole,
      opensAt: timeAnswer.optional(),
      drawAt: timeAnswer.optional(),
    })
    .optional(),
  sections: z.array(sectionAnswer),
  version: whole,
  createdAt: timeAnswer,
  updatedAt: timeAnswer,
});

export const listSalesAnswer = z.object({ sales: z.array(saleAnswer), nextPageToken: z.string() });

export const sectionAvailabilityAnswer = z.object({
  sectionId: z.string(),
  price: whole,
  capacity: whole,
  available: whole,
  held: whole,
  sold: whole,
  blocked: whole,
});

export const availabilityAnswer = z.object({
  sections: z.array(sectionAvailabilityAnswer),
  soldOut: z.boolean(),
  seats: z.array(z.object({ seatId: z.string(), state: z.enum(['available', 'held', 'sold', 'blocked']) })),
  nextPageToken: z.string(),
  asOf: timeAnswer,
});

export const auditAnswer = z.object({
  ok: z.boolean(),
  sections: z.array(sectionAvailabilityAnswer.omit({ price: true })),
  violations: z.array(
    z.object({
      kind: z.enum(['sum', 'held', 'sold', 'blocked', 'seats', 'seat', 'buyer', 'items', 'unpaid']),
      sectionId: z.string().optional(),
      reservationId: z.string().optional(),
      message: z.string(),
    }),
  ),
});

const itemAnswer = z.object({ sectionId: z.string(), quantity: whole.optional(), seatIds: z.array(z.string()) });

export const reservationAnswer = z.object({
  id: z.string(),
  saleId: z.string(),
  userId: z.string(),
  items: z.array(itemAnswer),
  amount: whole,
  currency: z.string(),
  status: z.enum(['held', 'confirmed', 'cancelled', 'expired', 'refunding', 'refunded', 'revoked']),
  heldUntil: timeAnswer,
  extended: z.boolean(),
  paymentId: z.string().optional(),
  ticket: z.string().optional(),
  version: whole,
  createdAt: timeAnswer,
  updatedAt: timeAnswer,
});

export const listReservationsAnswer = z.object({
  reservations: z.array(reservationAnswer),
  nextPageToken: z.string(),
});

export const verifyTicketAnswer = z.object({
  valid: z.boolean(),
  reason: z.enum(['malformed', 'signature', 'unknown_key', 'revoked']).optional(),
  claims: z
    .object({
      jti: z.string(),
      sub: z.string(),
      saleId: z.string(),
      items: z.array(itemAnswer),
      iat: whole,
    })
    .optional(),
});

export const voidGrantAnswer = z.object({ voided: z.boolean(), reservationId: z.string().optional() });
