import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { QueueJoin } from '../generated/aerie/queue/v1/queue';
import { AerieClient } from './client';
import type { Session } from './command-line';
import { type Drop, person } from './drop-people';
import { startDropServer } from './drop-server';
import { ProgressBar } from './progress-bar';
import { table } from './table';

const saleId = 'the-drop';
const drawAfterMs = 4000;
const seatsOf = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name}${i + 1}`);
/** A hundred: forty on the floor, twenty and thirty seats, ten for nothing. */
const sections = [
  { sectionId: 'floor', price: 4900, capacity: 40, seats: [] },
  { sectionId: 'box', price: 9900, seats: seatsOf('B', 20) },
  { sectionId: 'balcony', price: 2900, seats: seatsOf('C', 30) },
  { sectionId: 'gift', price: 0, capacity: 10, seats: [] },
];
const columns = {
  section: 'sectionId',
  capacity: 'capacity',
  available: 'available',
  held: 'held',
  sold: 'sold',
} as const;
const checks = [
  'sum',
  'held',
  'sold',
  'seats',
  'seat',
  'buyer',
  'items',
  'unpaid',
  'amount',
  'orphan',
  'double',
] as const;

/**
 * A launch on a server of its own: many people want a hundred seats, wait, are drawn and called, vanish and pay late. Then
 * both audits, and the draw recomputed here. 1 when anything is not as it must be.
 */
export async function drop({ say, print }: Session, { people }: { readonly people: number }): Promise<number> {
  say('Starting a server of its own for the drop');
  await using server = await startDropServer();
  await using operator = new AerieClient({ url: server.url, bearer: server.secret });
  const drawAt = Date.now() + drawAfterMs;
  await openSale(operator, drawAt);
  const { seedHash } = await operator.queue.getDraw({ saleId });
  say(`The draw is committed to: SHA-256 of the seed is ${seedHash}`);
  const counts = { joined: 0, called: 0, tickets: 0, gone: 0 };
  const story = { saleId, sections, drawAt, counts };
  const all = Array.from({ length: people }, async (_, i) => {
    const headers = (): Record<string, string> => ({ 'x-aerie-subject': `person-${i + 1}` });
    await using client = new AerieClient({ url: server.url, bearer: server.secret, headers });
    await person(client, story, randomOf(i + 1));
  });
  const ended = Promise.all(all).then(() => true);
  await Promise.all([shown(ended, story, people), closed(operator, ended)]);
  await tidied(operator);
  const seats = await operator.reservations.auditSale({ saleId });
  const money = await operator.payments.auditPayments({ saleId });
  const drawn = await verifyDraw(operator, seedHash);
  const violations = [...seats.violations, ...money.violations];
  const found = checks.map((check) => ({ check, found: violations.filter(({ kind }) => kind === check).length }));
  const ok = violations.length === 0 && drawn.verified;
  print({ people, ...counts, seats, money, draw: drawn, ok }, [
    ...['', ...table(columns, seats.sections), ''],
    `authorized ${money.authorized}, captured ${money.captured}, refunded ${money.refunded}, expected ${money.expected}`,
    ...['', ...table({ violation: 'check', found: 'found' } as const, found), ''],
    `${counts.tickets} of ${people} have a ticket.`,
    `The draw of ${drawn.joins} joins is ${drawn.verified ? 'verified: seed, order and chain are what was committed to' : 'NOT what was committed to'}.`,
  ]);
  return ok ? 0 : 1;
}

async function openSale(operator: AerieClient, drawAt: number): Promise<void> {
  const queue = { activePlaces: 25, readySeconds: 10, grantSeconds: 10, silenceSeconds: 30 };
  await operator.reservations.createSale(
    {
      ...{ saleId, title: 'The drop', currency: 'EUR', opensAt: new Date(Date.now() - 1000).toISOString() },
      ...{ holdSeconds: 10, queue: { ...queue, drawAt: new Date(drawAt).toISOString() }, sections },
    },
    { idempotencyKey: saleId },
  );
}

/** Bars of how far they are, until all are gone. */
async function shown(ended: Promise<boolean>, { counts }: Drop, people: number): Promise<void> {
  for (const [label, of] of [
    ['joined', () => counts.joined],
    ['called', () => Math.max(counts.called, counts.gone)],
    ['gone', () => counts.gone],
  ] as const) {
    const bar = new ProgressBar(label, people);
    while (of() < people && !(await Promise.race([ended, delay(200)]))) bar.reached(of());
    bar.done();
  }
}

/** Closes the sale when nothing is left and nobody holds anything: whoever still waits is told so. */
async function closed(operator: AerieClient, ended: Promise<boolean>): Promise<void> {
  while (!(await Promise.race([ended, delay(500)]))) {
    const { sections: levels } = await operator.reservations.getAvailability({ saleId });
    if (levels.some(({ available, held }) => available + held > 0)) continue;
    await operator.reservations.setSaleState({ saleId, state: 'closed' });
    return;
  }
}

/** What was held by who has vanished is free again, and no money is on its way. */
async function tidied(operator: AerieClient): Promise<void> {
  for (;;) {
    const { sections: levels } = await operator.reservations.auditSale({ saleId });
    const money = await operator.payments.auditPayments({ saleId });
    if (levels.every(({ held }) => held === 0) && money.captured - money.refunded === money.expected) return;
    await delay(500);
  }
}

/** Recomputed from what is published alone. */
async function verifyDraw(operator: AerieClient, seedHash: string): Promise<{ joins: number; verified: boolean }> {
  const joins: QueueJoin[] = [];
  let [seed, drawAt] = ['', ''];
  for (let pageToken: string | undefined; pageToken !== ''; ) {
    const page = await operator.queue.getDraw({ saleId, pageSize: 100, ...(pageToken !== undefined && { pageToken }) });
    joins.push(...page.joins);
    [seed, drawAt, pageToken] = [page.seed ?? '', page.drawAt ?? '', page.nextPageToken];
  }
  const isEarly = ({ joinedAt }: QueueJoin): boolean => joinedAt < drawAt;
  const key = ({ ticketHash }: QueueJoin): string => sha256(seed + ticketHash);
  const order = joins.filter(isEarly).sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const isOrder = order.every(({ place }, i) => place === i + 1);
  const isLine = joins.every((join) => isEarly(join) || join.place === join.number);
  return { joins: joins.length, verified: sha256(seed) === seedHash && isChain(seedHash, joins) && isOrder && isLine };
}

/** Each hash has the one before in it, and the first the commitment. */
function isChain(seedHash: string, joins: readonly QueueJoin[]): boolean {
  let previous = seedHash;
  return joins.every(({ number, ticketHash, joinedAt, hash }, i) => {
    const right = number === i + 1 && hash === sha256([previous, String(number), ticketHash, joinedAt].join('\n'));
    previous = hash;
    return right;
  });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The same story each time, as far as people go (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
