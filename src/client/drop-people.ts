import { setTimeout as delay } from 'node:timers/promises';
import { ulid } from 'ulid';
import type { ReservationItem } from '../generated/aerie/reservations/v1/reservations';
import { AppError } from '../shared/errors/app-error';
import type { AerieClient } from './client';

/** What becomes of the people: joined, called into the sale, with a ticket, gone without one. */
export interface DropCounts {
  joined: number;
  called: number;
  tickets: number;
  gone: number;
}

export interface Drop {
  readonly saleId: string;
  readonly sections: readonly { readonly sectionId: string; readonly seats: readonly string[] }[];
  /** Milliseconds since 1970. */
  readonly drawAt: number;
  readonly counts: DropCounts;
}

const waitMs = 250;
const over = ['done', 'left', 'expired'];
// Somebody else was quicker.
const taken = ['sold_out', 'seats_taken'];

const key = (): { idempotencyKey: string } => ({ idempotencyKey: ulid() });

/**
 * One who wants a ticket. Of ten, seven join before the draw and the rest after it; one never asks again, one vanishes with
 * what is held, one pays too late, one thinks better of it. `random`: 0 to 1.
 */
export async function person(client: AerieClient, drop: Drop, random: () => number): Promise<void> {
  const mood = random();
  const isEarly = random() < 0.7;
  await delay(isEarly ? random() * Math.max(0, drop.drawAt - Date.now()) : drop.drawAt - Date.now() + random() * 3000);
  try {
    const { ticket } = await client.queue.joinQueue({ saleId: drop.saleId });
    drop.counts.joined += 1;
    if (mood < 0.1) return;
    if (!(await called(client, ticket))) return;
    drop.counts.called += 1;
    const { grant } = await client.queue.requestAdmission({ ticket });
    const reserved = await reserve(client, drop, grant, random);
    if (reserved === undefined || mood < 0.2) return;
    if (await bought(client, reserved, mood)) drop.counts.tickets += 1;
  } catch (error) {
    // The sale is over, time was, or the server was too busy for this one: no ticket.
    if (!(error instanceof AppError)) throw error;
  } finally {
    drop.counts.gone += 1;
  }
}

/** False when the sale is over for this one. */
async function called(client: AerieClient, ticket: string): Promise<boolean> {
  for (;;) {
    const { status, pollAfterMs } = await client.queue.getQueueStatus({ ticket });
    if (status === 'ready') return true;
    if (over.includes(status)) return false;
    await delay(pollAfterMs);
  }
}

/** Tries all sections, beginning anywhere. A grant that has bought nothing is not used. */
async function reserve(
  client: AerieClient,
  drop: Drop,
  grant: string,
  random: () => number,
): Promise<string | undefined> {
  const first = Math.floor(random() * drop.sections.length);
  for (let i = 0; i < drop.sections.length; i += 1) {
    const { sectionId, seats } = drop.sections[(first + i) % drop.sections.length] as Drop['sections'][number];
    for (let tries = 0; tries < (seats.length === 0 ? 1 : 3); tries += 1) {
      const seat = seats[Math.floor(random() * seats.length)];
      const item: ReservationItem =
        seat === undefined ? { sectionId, quantity: 1, seatIds: [] } : { sectionId, seatIds: [seat] };
      try {
        const { id } = await client.reservations.createReservation(
          { saleId: drop.saleId, items: [item], grant },
          key(),
        );
        return id;
      } catch (error) {
        if (!(error instanceof AppError) || !taken.includes(error.code)) throw error;
      }
    }
  }
  return undefined;
}

/** Whether there is a ticket at the end. */
async function bought(client: AerieClient, id: string, mood: number): Promise<boolean> {
  if (mood < 0.3) {
    await client.reservations.cancelReservation({ id }, key());
    return false;
  }
  const { amount } = await client.reservations.getReservation({ id });
  if (amount > 0) {
    const payment = await client.payments.createPayment({ reservationId: id }, key());
    await client.payments.processPayment({ id: payment.id, method: mood < 0.4 ? 'late' : 'approve' }, key());
  }
  for (;;) {
    const { status } = amount > 0 ? await client.reservations.getReservation({ id }) : await confirm(client, id);
    if (status !== 'held') return status === 'confirmed';
    await delay(waitMs);
  }
}

function confirm(client: AerieClient, id: string) {
  return client.reservations.confirmReservation({ id }, key());
}
