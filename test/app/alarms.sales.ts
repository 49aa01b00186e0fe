import { randomUUID } from 'node:crypto';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { paymentsContract as payments } from '../../src/features/payments/payments.api';
import { reservationsContract as reservations } from '../../src/features/reservations/reservations.api';
import { Alarmed, type Fault, minutesAreSeconds } from '../support/alarms';
import { everyServer } from '../support/databases';
import { eventually } from '../support/eventually';

// A sale in whose tables somebody else writes, and features that do not hear of each other.

export async function openForSales(): Promise<Alarmed> {
  const database = await everyServer[0]!.create();
  return Alarmed.open({ databaseUrl: database.url, env: minutesAreSeconds, beside: [database] });
}

interface Bought {
  readonly saleId: string;
  readonly id: string;
}

/** A payment, not yet made, for a place in a sale that is open. */
async function ordered(system: Alarmed, price: number): Promise<Bought> {
  const saleId = `sale-${randomUUID().slice(0, 8)}`;
  const sections = [{ sectionId: 'floor', price, capacity: 10 }];
  const about = { title: 'Shown', currency: 'EUR', opensAt: '2026-01-01T00:00:00Z' };
  await system.call(reservations, 'createSale', { saleId, ...about, sections });
  const items = [{ sectionId: 'floor', quantity: 1, seatIds: [] }];
  const { id: reservationId } = await system.call(reservations, 'createReservation', { saleId, items });
  const { id } = await system.call(payments, 'createPayment', { reservationId });
  return { saleId, id: String(id) };
}

const pay = (system: Alarmed, { id }: Bought) => system.call(payments, 'processPayment', { id, method: 'approve' });

async function captured(system: Alarmed): Promise<Bought> {
  const bought = await ordered(system, 100);
  await pay(system, bought);
  await eventually(async () =>
    expect(await system.call(payments, 'getPayment', { id: bought.id })).toMatchObject({ captured: 100 }),
  );
  return bought;
}

const unlucky = 4321;

export const saleFaults: readonly Fault[] = [
  {
    what: 'a count of places is changed by hand',
    rings: ['AerieOversold'],
    make: async (system) => {
      const { saleId } = await ordered(system, 100);
      const add = (more: number): Promise<void> =>
        system.sql(`UPDATE reservations_sections SET available = available + ${more} WHERE sale_id = '${saleId}'`);
      await add(1);
      return () => add(-1);
    },
  },
  {
    what: 'more is given back than was paid',
    rings: ['AerieMoneyWrong'],
    make: async (system) => {
      const { id } = await captured(system);
      const giveBack = (amount: number): Promise<void> =>
        system.sql(`UPDATE payments SET refunded = ${amount} WHERE id = '${id}'`);
      await giveBack(101);
      return () => giveBack(0);
    },
  },
  {
    what: 'the table of a listener is locked',
    rings: ['AerieNewsLate'],
    make: async (system) => {
      const bought = await ordered(system, 100);
      const release = await system.holding('LOCK TABLE reservations_inbox IN ACCESS EXCLUSIVE MODE');
      await pay(system, bought);
      return release;
    },
  },
  {
    what: 'news cannot be taken in',
    rings: ['AerieNewsGivenUp'],
    make: async (system) => {
      const bought = await ordered(system, unlucky);
      await system.sql(
        `ALTER TABLE reservations_payments ADD CONSTRAINT unlucky CHECK (amount <> ${unlucky}) NOT VALID`,
      );
      await pay(system, bought);
      return async () => {
        await system.sql('ALTER TABLE reservations_payments DROP CONSTRAINT unlucky');
        const listed = async (): Promise<readonly { readonly id: string }[]> =>
          (await system.call(gateway, 'listDeadLetters', {})).deadLetters as { id: string }[];
        await eventually(async () => expect(await listed()).toHaveLength(1));
        for (const { id } of await listed()) await system.call(gateway, 'redriveDeadLetter', { id });
      };
    },
  },
];
