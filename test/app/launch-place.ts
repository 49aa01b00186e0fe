import type { Database } from '../../src/shared/db/database';
import { type Desk, openDesk } from '../features/payments/desk';
import { Hall, openWorld } from '../features/queue/hall';
import { type Office, openOffice } from '../features/reservations/office';
import type { TestDatabase } from '../support/databases';
import { HandClock } from '../support/hand-clock';

/** The three features, each at a database of its own, by one clock. */
export type Place = AsyncDisposable & {
  readonly clock: HandClock;
  readonly office: Office;
  readonly hall: Hall;
  readonly desk: Desk;
};

export async function openPlace(create: () => Promise<TestDatabase>): Promise<Place> {
  const clock = new HandClock();
  const [sold, waited, paid] = [await create(), await create(), await create()];
  const office = await openOffice(sold, clock);
  const world = await openWorld(waited);
  const { db } = await world.open();
  const hall = new Hall(db, { api: office.service as never }, clock);
  const desk = await openDesk(paid.url, { clock, api: office.service as never });
  return {
    ...{ clock, office, hall, desk },
    [Symbol.asyncDispose]: async () => {
      for (const one of [desk, office, world, sold, waited, paid]) await one[Symbol.asyncDispose]();
    },
  };
}

export interface Waiting {
  readonly seq: number;
  readonly consumer: string;
  readonly key: string;
  readonly body: string;
}

/** The first of each key to each consumer. */
export async function waitingIn(db: Database, table: string): Promise<Waiting[]> {
  const rows = await db.read((sql) =>
    sql.rows<Waiting>(`SELECT seq, consumer, message_key AS "key", body FROM ${table} ORDER BY seq`),
  );
  const first = new Map<string, Waiting>();
  for (const row of rows) {
    const name = `${row.consumer} ${row.key}`;
    if (!first.has(name)) first.set(name, row);
  }
  return [...first.values()];
}
