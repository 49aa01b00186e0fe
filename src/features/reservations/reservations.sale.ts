import type {
  CreateSaleRequest,
  NewWaitingRoom,
  Sale,
  SectionAvailability,
  UpdateSaleRequest,
  WaitingRoom,
} from '../../generated/aerie/reservations/v1/reservations';
import { instant, toTime } from '../../shared/clock/time';
import type { SaleRow, SectionRow } from './reservations.entity';
import { badField } from './reservations.errors';
import type { FoundSale, SectionGrowth, SectionPlan } from './reservations.sales.repository';

// A sale as it is asked for, as it is kept, and as it is told.

const maxWorth = 10_000_000_000_000;
const defaults = { holdSeconds: 60, maxPerReservation: 10, maxPerUser: 10 };
const room = { activePlaces: 100, readySeconds: 30, grantSeconds: 30, silenceSeconds: 300 };

/** The sections of a new sale. @throws AppError validation_failed */
export function plansOf({ sections }: CreateSaleRequest): SectionPlan[] {
  refuseTwice(
    'sections',
    sections.map(({ sectionId }) => sectionId),
  );
  const plans = sections.map(({ sectionId, price, capacity, seats }, i) => {
    refuseTwice(`sections[${i}].seats`, seats);
    if (capacity === undefined && seats.length === 0)
      throw badField(`sections[${i}].capacity`, 'is required for a section without seats');
    if (capacity !== undefined && seats.length > 0)
      throw badField(`sections[${i}].capacity`, 'is not for a section with seats: it is their number');
    return { sectionId, price, capacity: capacity ?? seats.length, seats };
  });
  refuseWorth(plans);
  return plans;
}

/** How the sections of a sale are to grow. @throws AppError validation_failed */
export function growthOf({ sections }: UpdateSaleRequest, known: FoundSale): SectionGrowth[] {
  const growth = sections.map(({ sectionId, capacity, seats }, i) => {
    const section = known.sections.find((one) => one.sectionId === sectionId);
    if (section?.seated === 1 && capacity !== undefined)
      throw badField(`sections[${i}].capacity`, 'is that of its seats');
    if (section?.seated === 0 && seats.length > 0) throw badField(`sections[${i}].seats`, 'the section has none');
    refuseTwice(`sections[${i}].seats`, seats);
    return { sectionId, capacity, seats };
  });
  refuseWorth(
    known.sections.map((one) => {
      const { capacity = one.capacity, seats = [] } = growth.find(({ sectionId }) => sectionId === one.sectionId) ?? {};
      return { price: one.price, capacity: capacity + seats.length };
    }),
  );
  return growth;
}

/** Sums of money stay whole numbers, however often something is sold again. @throws AppError validation_failed */
function refuseWorth(sections: readonly { readonly price: number; readonly capacity: number }[]): void {
  const worth = sections.reduce((sum, { price, capacity }) => sum + price * capacity, 0);
  if (worth > maxWorth) throw badField('sections', `may be worth at most ${maxWorth} in all (price times capacity)`);
}

/** The row of a new sale. `now`: milliseconds since 1970. @throws AppError validation_failed */
export function saleOf(request: CreateSaleRequest, now: number): Omit<SaleRow, 'seq'> {
  const { saleId, title, currency, queue } = request;
  const limits = { ...defaults, ...given(request, ['holdSeconds', 'maxPerReservation', 'maxPerUser']) };
  const opensAt = instant(request.opensAt) ?? 0;
  const closesAt = request.closesAt === undefined ? null : (instant(request.closesAt) ?? 0);
  if (closesAt !== null && closesAt <= opensAt) throw badField('closesAt', 'must be after opensAt');
  return {
    ...{ saleId, title, currency, state: 'open', opensAt, closesAt, ...limits },
    queue: queue === undefined ? null : JSON.stringify(roomOf(queue)),
    ...{ version: 1, createdAt: now, updatedAt: now },
  };
}

/** @throws AppError validation_failed */
function roomOf(queue: NewWaitingRoom): WaitingRoom {
  const numbers = { ...room, ...given(queue, ['activePlaces', 'readySeconds', 'grantSeconds', 'silenceSeconds']) };
  const times = Object.entries(given(queue, ['opensAt', 'drawAt'])).map(([name, at]) => [
    name,
    toTime(instant(at) ?? 0),
  ]);
  const { opensAt, drawAt } = Object.fromEntries(times) as { opensAt?: string; drawAt?: string };
  if (opensAt !== undefined && drawAt !== undefined && drawAt <= opensAt)
    throw badField('queue.drawAt', 'must be after queue.opensAt');
  return { ...numbers, ...(opensAt !== undefined && { opensAt }), ...(drawAt !== undefined && { drawAt }) };
}

/** What was given of these fields. */
function given<T extends object, K extends keyof T>(
  from: T,
  names: readonly K[],
): { [N in K]: Exclude<T[N], undefined> } {
  const found = names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]));
  return Object.fromEntries(found) as { [N in K]: Exclude<T[N], undefined> };
}

/** How many an item, or a request for seats, is about. `path` leads to it. @throws AppError validation_failed */
export function quantityOf(
  { quantity, seatIds }: { readonly quantity?: number | undefined; readonly seatIds: readonly string[] },
  { seated }: Pick<SectionRow, 'seated'>,
  path: string,
): number {
  refuseTwice(`${path}seatIds`, seatIds);
  if (seated === 1) {
    if (quantity !== undefined) throw badField(`${path}quantity`, 'is not for a section with seats: name seatIds');
    if (seatIds.length === 0) throw badField(`${path}seatIds`, 'must name seats of this section');
    return seatIds.length;
  }
  if (seatIds.length > 0) throw badField(`${path}seatIds`, 'this section has no seats: say a quantity');
  if (quantity === undefined) throw badField(`${path}quantity`, 'is required for a section without seats');
  return quantity;
}

/** @throws AppError validation_failed */
export function refuseTwice(field: string, ids: readonly string[]): void {
  const seen = new Set<string>();
  for (const id of ids) {
    if (seen.has(id)) throw badField(field, `names ${id} twice`);
    seen.add(id);
  }
}

export function toSale({ sale, sections }: FoundSale): Sale {
  const { saleId, title, currency, state, holdSeconds, maxPerReservation, maxPerUser, version } = sale;
  return {
    ...{ saleId, title, currency, state, opensAt: toTime(sale.opensAt) },
    ...(sale.closesAt !== null && { closesAt: toTime(sale.closesAt) }),
    ...{ holdSeconds, maxPerReservation, maxPerUser },
    ...(sale.queue !== null && { queue: JSON.parse(sale.queue) as WaitingRoom }),
    sections: sections.map(({ sectionId, price, capacity, seated }) => {
      return { sectionId, price, capacity, seated: seated === 1 };
    }),
    ...{ version, createdAt: toTime(sale.createdAt), updatedAt: toTime(sale.updatedAt) },
  };
}

export function toAvailability(section: SectionRow): SectionAvailability {
  const { sectionId, price, capacity, available, held, sold, blocked } = section;
  return { sectionId, price, capacity, available, held, sold, blocked };
}
