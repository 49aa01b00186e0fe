import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { ulid } from 'ulid';
import type { NewWaitingRoom, ReservationItem, Sale } from '../generated/aerie/reservations/v1/reservations';
import { validationFailed } from '../shared/errors/common.errors';
import { addPaging, type Paging, run, type Session, textOrFile, whole } from './command-line';
import { confirmed } from './confirm';
import { table, withMore } from './table';

const waitMs = 200;
const settled = ['authorized', 'completed', 'failed', 'cancelled', 'expired', 'refunded'];
const saleColumns = { sale: 'saleId', title: 'title', state: 'state', currency: 'currency', opens: 'opensAt' } as const;
const levels = {
  section: 'sectionId',
  price: 'price',
  capacity: 'capacity',
  available: 'available',
  held: 'held',
  sold: 'sold',
  blocked: 'blocked',
} as const;
const audited = {
  section: 'sectionId',
  capacity: 'capacity',
  available: 'available',
  held: 'held',
  sold: 'sold',
  blocked: 'blocked',
} as const;

/** `aerie sale ...`, `aerie reserve`, `aerie pay` and `aerie ticket`. */
export function addSales(aerie: Command): void {
  const sale = aerie
    .command('sale')
    .description('sales of few things to many people: create, list, show, state, seats, block, unblock, audit');
  addCreate(sale);
  sale.command('list').description('all sales, newest first').action(run(listSales));
  sale.command('show <saleId>').description('a sale, and what is left of it').action(run(showSale));
  sale
    .command('state <saleId> <state>')
    .description('open, paused or closed; closed is final: it asks first, and no sale opens again after it')
    .option('--yes', 'do not ask before it is closed')
    .action(run(setState));
  sale
    .command('audit <saleId>')
    .description('count seats and money anew; exit code 1 when something is not as it must be')
    .action(run(audit));
  addSeats(sale);
  aerie
    .command('reserve <saleId> <sectionId>')
    .description('hold a quantity or seats')
    .option('--quantity <n>', 'how many, 1 to 100', whole(1, 100))
    .option('--seats <seats>', 'seats, comma-separated')
    .option('--grant <grant>', 'what entering the waiting room gave, or @file')
    .action(run(reserve));
  aerie
    .command('pay <reservationId>')
    .description('pay for what is held, and print the ticket')
    .option('--method <method>', "the provider's word for how; a scenario of the simulator")
    .action(run(pay));
  aerie.command('ticket <ticket>').description('whether a ticket is genuine and still counts').action(run(ticket));
}

function addSeats(sale: Command): void {
  addPaging(sale.command('seats <saleId> <sectionId>').description('the seats of a section, and how each is')).action(
    run(listSeats),
  );
  const kinds = { block: 'keep seats or a number of places back', unblock: 'release what was kept back' };
  for (const [kind, description] of Object.entries(kinds))
    sale
      .command(`${kind} <saleId> <sectionId>`)
      .description(`${description}: all of them or none`)
      .option('--quantity <n>', 'how many, of a section by quantity', whole(1, 1_000_000))
      .option('--seats <seats>', 'seats, comma-separated')
      .action(run(kind === 'block' ? blockSeats : unblockSeats));
}

function addCreate(sale: Command): void {
  sale
    .command('create <saleId>')
    .description('create a sale')
    .requiredOption('--title <title>', '1 to 128 characters (required)')
    .requiredOption(
      '--section <section...>',
      'name:price:capacity or name:price:seat,seat,...; may be said again (required)',
    )
    .option('--currency <code>', 'ISO 4217', 'EUR')
    .option('--opens-at <time>', 'RFC 3339; unset: now')
    .option('--closes-at <time>', 'RFC 3339; unset: never by itself')
    .option('--active-places <n>', 'with a waiting room that lets so many in at once', whole(1, 1_000_000))
    .option('--room-opens-at <time>', 'with a waiting room that lets people join from then on')
    .option('--draw-at <time>', 'with a waiting room in which who joins before is drawn')
    .option(
      '--ready-seconds <n>',
      'with a waiting room: how long somebody who is called may take to enter',
      whole(5, 3600),
    )
    .option('--grant-seconds <n>', 'with a waiting room: how long a grant may be used', whole(5, 3600))
    .option(
      '--silence-seconds <n>',
      'with a waiting room: after how long somebody who is silent is out',
      whole(10, 86_400),
    )
    .option('--hold-seconds <n>', 'how long something is held, 10 to 900', whole(10, 900), 60)
    .action(run(createSale));
}

interface SaleOptions {
  readonly title: string;
  readonly section: readonly string[];
  readonly currency: string;
  readonly opensAt?: string;
  readonly holdSeconds: number;
  readonly closesAt?: string;
  readonly activePlaces?: number;
  readonly roomOpensAt?: string;
  readonly drawAt?: string;
  readonly readySeconds?: number;
  readonly grantSeconds?: number;
  readonly silenceSeconds?: number;
}

/** Sent again when the answer is lost, which the key makes safe. */
async function createSale({ client, print }: Session, saleId: string, options: SaleOptions): Promise<number> {
  const { title, section, currency, opensAt = new Date().toISOString(), closesAt, holdSeconds } = options;
  const queue = roomOf(options);
  const request = {
    ...{ saleId, title, currency, opensAt, holdSeconds, sections: section.map(sectionOf) },
    ...(closesAt !== undefined && { closesAt }),
    ...(Object.keys(queue).length > 0 && { queue }),
  };
  const sale = await client.reservations.createSale(request, { idempotencyKey: `cli-${ulid()}` });
  print(sale, table(saleColumns, [sale]));
  return 0;
}

/** What was said of a waiting room: each of it makes one. */
function roomOf(options: SaleOptions): NewWaitingRoom {
  const { activePlaces, readySeconds, grantSeconds, silenceSeconds, roomOpensAt: opensAt, drawAt } = options;
  const room = { activePlaces, readySeconds, grantSeconds, silenceSeconds, opensAt, drawAt };
  return Object.fromEntries(Object.entries(room).filter(([, value]) => value !== undefined));
}

/** `floor:4900:100` or `box:9900:A1,A2`. */
function sectionOf(text: string) {
  const [, sectionId = '', price = '', rest = ''] = /^([^:]+):(\d{1,13}):(.+)$/.exec(text) ?? [];
  if (sectionId === '')
    throw validationFailed([{ field: 'section', message: 'must be name:price:capacity or name:price:seat,seat,...' }]);
  const isCapacity = /^\d+$/.test(rest);
  return {
    ...{ sectionId, price: Number(price), seats: isCapacity ? [] : rest.split(',') },
    ...(isCapacity && { capacity: Number(rest) }),
  };
}

async function listSales({ client, print }: Session): Promise<number> {
  const sales: Sale[] = [];
  let pageToken: string | undefined;
  do {
    const page = await client.reservations.listSales({ pageSize: 100, pageToken });
    sales.push(...page.sales);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  print({ sales }, table(saleColumns, sales, 'No sales.'));
  return 0;
}

async function showSale({ client, print }: Session, saleId: string): Promise<number> {
  const sale = await client.reservations.getSale({ saleId });
  const availability = await client.reservations.getAvailability({ saleId });
  const title = `${sale.saleId} "${sale.title}", ${sale.state}, prices in the smallest unit of ${sale.currency}`;
  print({ sale, availability }, [title, '', ...table(levels, availability.sections)]);
  return 0;
}

async function setState(
  { client, print, say }: Session,
  saleId: string,
  state: string,
  sure: { readonly yes?: true },
): Promise<number> {
  const question = `Close ${saleId} for ever? It cannot be opened again.`;
  if (state === 'closed' && !(await confirmed(question, sure))) {
    say('Nothing was changed.');
    return 1;
  }
  const sale = await client.reservations.setSaleState({ saleId, state });
  print(sale, table(saleColumns, [sale]));
  return 0;
}

async function listSeats(
  { client, print }: Session,
  saleId: string,
  sectionId: string,
  { limit: pageSize, after: pageToken }: Paging,
): Promise<number> {
  const page = await client.reservations.getAvailability({ saleId, sectionId, pageSize, pageToken });
  const lines = table({ seat: 'seatId', is: 'state' }, page.seats, 'It has no seats.');
  print(page, withMore(lines, page.nextPageToken));
  return 0;
}

interface SeatOptions {
  readonly quantity?: number;
  readonly seats?: string;
}

async function blockSeats({ client, print }: Session, ...given: [string, string, SeatOptions]): Promise<number> {
  const left = await client.reservations.blockSeats(seatsOf(...given), { idempotencyKey: `cli-${ulid()}` });
  print(left, table(levels, [left]));
  return 0;
}

async function unblockSeats({ client, print }: Session, ...given: [string, string, SeatOptions]): Promise<number> {
  const left = await client.reservations.unblockSeats(seatsOf(...given), { idempotencyKey: `cli-${ulid()}` });
  print(left, table(levels, [left]));
  return 0;
}

function seatsOf(saleId: string, sectionId: string, { quantity, seats }: SeatOptions) {
  return { saleId, sectionId, seatIds: seats?.split(',') ?? [], ...(quantity !== undefined && { quantity }) };
}

async function audit({ client, print }: Session, saleId: string): Promise<number> {
  const seats = await client.reservations.auditSale({ saleId });
  const money = await client.payments.auditPayments({ saleId });
  const { authorized, captured, refunded, expected } = money;
  const violations = [...seats.violations, ...money.violations];
  print({ seats, money }, [
    ...table(audited, seats.sections),
    '',
    `authorized ${authorized}, captured ${captured}, refunded ${refunded}, expected ${expected}`,
    ...violations.map(({ kind, message }) => `${kind}: ${message}`),
    violations.length === 0 ? 'Everything is as it must be.' : `${violations.length} violations`,
  ]);
  return seats.ok && money.ok ? 0 : 1;
}

interface ReserveOptions {
  readonly quantity?: number;
  readonly seats?: string;
  readonly grant?: string;
}

async function reserve(
  { client, print }: Session,
  saleId: string,
  sectionId: string,
  { quantity, seats, grant }: ReserveOptions,
): Promise<number> {
  const item: ReservationItem =
    seats === undefined
      ? { sectionId, quantity: quantity ?? 1, seatIds: [] }
      : { sectionId, seatIds: seats.split(',') };
  const given = grant === undefined ? {} : { grant: textOrFile('--grant', grant) };
  const request = { saleId, items: [item], ...given };
  const held = await client.reservations.createReservation(request, { idempotencyKey: `cli-${ulid()}` });
  const price = held.amount === 0 ? 'for nothing' : `for ${held.amount} (smallest unit of ${held.currency})`;
  print(held, [`Held until ${held.heldUntil} ${price}: ${held.id}`]);
  return 0;
}

/** What is free is confirmed at once. */
async function pay({ client, print, say }: Session, id: string, { method }: { method?: string }): Promise<number> {
  const { amount } = await client.reservations.getReservation({ id });
  const key = (): { idempotencyKey: string } => ({ idempotencyKey: `cli-${ulid()}` });
  if (amount > 0) {
    const begun = await client.payments.createPayment({ reservationId: id }, key());
    await client.payments.processPayment({ id: begun.id, ...(method !== undefined && { method }) }, key());
    let payment = begun;
    while (!settled.includes(payment.status)) {
      await delay(waitMs);
      payment = await client.payments.getPayment({ id: begun.id });
    }
    say(`The payment ${payment.id} is ${payment.status}${payment.failure === undefined ? '' : `: ${payment.failure}`}`);
    if (!['authorized', 'completed'].includes(payment.status)) return 1;
  }
  const confirmed = await client.reservations.confirmReservation({ id }, key());
  say(`Confirmed; the ticket of ${confirmed.id}:`);
  print(confirmed, [confirmed.ticket ?? '']);
  return 0;
}

/** 1 when the ticket is not good, so that a script can tell. */
async function ticket({ client, print }: Session, text: string): Promise<number> {
  const { valid, reason, claims } = await client.reservations.verifyTicket({ ticket: text });
  print({ valid, reason, claims }, [valid ? `valid: ${claims?.saleId} of ${claims?.sub}` : `invalid: ${reason}`]);
  return valid ? 0 : 1;
}
