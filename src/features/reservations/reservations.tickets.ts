import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { TicketClaims } from '../../generated/aerie/reservations/v1/reservations';
import { SignedClaims } from '../../shared/auth/signed-claims';
import { Config } from '../../shared/config/config';
import type { Found } from './reservations.repository';

const item = z.strictObject({
  sectionId: z.string(),
  quantity: z.number().int().exactOptional(),
  seatIds: z.array(z.string()),
});
const claims = z.strictObject({
  jti: z.string(),
  sub: z.string(),
  saleId: z.string(),
  items: z.array(item),
  iat: z.number().int(),
});

/** Tickets of confirmed reservations, signed. Whether one still counts is what its reservation says. */
@Injectable()
export class Tickets extends SignedClaims<TicketClaims> {
  constructor({ receiptKeys }: Config) {
    super('ticket+jwt', receiptKeys, claims);
  }

  /** `now`: milliseconds since 1970. */
  issue({ row, items }: Found, now: number): Promise<string> {
    return this.sign({
      ...{ jti: row.id, sub: row.userId, saleId: row.saleId, iat: Math.floor(now / 1000) },
      items: items.map(({ sectionId, quantity, seatIds }) => toItem(sectionId, quantity, seatIds)),
    });
  }
}

/** An item as it is told: with a quantity or with seats. `seatIds`: a JSON list. */
export function toItem(sectionId: string, quantity: number, seatIds: string): z.output<typeof item> {
  const seats = JSON.parse(seatIds) as string[];
  return seats.length > 0 ? { sectionId, seatIds: seats } : { sectionId, quantity, seatIds: [] };
}
