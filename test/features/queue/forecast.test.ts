import type { RoomRow, TicketRow, TicketStatus } from '../../../src/features/queue/queue.entity';
import { etaOf, supplyLikely } from '../../../src/features/queue/queue.forecast';
import { QueueLine } from '../../../src/features/queue/queue.line';

// A line in memory against counting, and what is foretold from it.

const room = (changes: number): RoomRow => ({ saleId: 'sale', changes, bought: 0, unsold: 0, quantity: 0 }) as RoomRow;

function ticket(number: number, status: TicketStatus, more: Partial<TicketRow> = {}): TicketRow {
  const times = { readyUntil: 0, seenAt: 0, admittedAt: 0, changed: 1 };
  return { ticketHash: `t${number}`, number, place: number, status, ...times, ...more } as TicketRow;
}

/** One every so often, through the line up to a place; `waiting` behind it. */
function admitted(everyMs: number, places: readonly number[], waiting: number): QueueLine {
  const line = new QueueLine();
  const done = places.map((place, i) => ticket(place, 'done', { admittedAt: (i + 1) * everyMs }));
  const last = Math.max(...places);
  const behind = Array.from({ length: waiting }, (_, i) => ticket(last + 1 + i, 'waiting'));
  line.take({ room: room(1), tickets: [...done, ...behind], now: places.length * everyMs });
  return line;
}

test('it counts who is before a place, whatever has happened before', () => {
  const line = new QueueLine();
  const statuses: TicketStatus[] = ['prequeued', 'waiting', 'ready', 'admitted', 'done', 'left', 'expired'];
  const people = new Map<number, TicketRow>();
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let change = 1; change <= 500; change += 1) {
    const number = 1 + random(60);
    const status = statuses[random(statuses.length)] ?? 'waiting';
    people.set(number, ticket(number, status, { changed: change }));
    line.take({ room: room(change), tickets: [people.get(number) as TicketRow], now: change });
    const inLine = [...people.values()].filter((one) => one.status === 'waiting' || one.status === 'ready');
    for (const place of [1, 2, 17, 60, 61, 100])
      expect(line.aheadOf(place)).toBe(inLine.filter((one) => one.place < place).length);
    const waiting = inLine.filter((one) => one.status === 'waiting').map((one) => one.place);
    expect([...line.waiting()].map(({ place }) => place)).toEqual(waiting.sort((a, b) => a - b));
    expect(line.countOf('waiting')).toBe(waiting.length);
  }
});

test('a draw moves people to places that others have at that moment', () => {
  const line = new QueueLine();
  line.take({ room: room(1), tickets: [1, 2, 3].map((n) => ticket(n, 'prequeued')), now: 1 });
  expect([...line.waiting()]).toEqual([]);
  const drawn = [3, 1, 2].map((place, i) => ticket(i + 1, 'waiting', { place, changed: 2 }));
  line.take({ room: room(2), tickets: drawn, now: 2 });
  expect([...line.waiting()].map(({ number }) => number)).toEqual([2, 3, 1]);
  const swapped = [2, 3, 1].map((place, i) => ticket(i + 1, 'waiting', { place, changed: 3 }));
  line.take({ room: room(3), tickets: swapped, now: 3 });
  expect([...line.waiting()].map(({ number }) => number)).toEqual([3, 1, 2]);
});

test('before two admissions were measured nothing is foretold', () => {
  expect(etaOf(admitted(1000, [1], 10), 5, 1000)).toEqual({ known: false });
  expect(etaOf(new QueueLine(), 1, 0)).toEqual({ known: false });
});

test('a process that comes later foretells nothing before it knows that all places were given again', () => {
  const read = (ended: number): QueueLine => {
    const line = new QueueLine();
    const rows = Array.from({ length: ended + 10 }, (_, i) => {
      return ticket(i + 1, i < ended ? 'done' : 'admitted', { admittedAt: (i + 1) * 1000 });
    });
    const waiting = Array.from({ length: 20 }, (_, i) => ticket(ended + 11 + i, 'waiting'));
    line.take({ room: room(1), tickets: [...rows, ...waiting], now: (ended + 10) * 1000 });
    return line;
  };
  expect(etaOf(read(9), 25, 19_000)).toEqual({ known: false });
  expect(etaOf(read(10), 30, 20_000)).toMatchObject({ known: true, p50Seconds: 10 });
});

test('of a room that is read for the first time, what was before the oldest of the ended is not taken for all there was', () => {
  const line = new QueueLine();
  // Two hold for long; others of their time have ended, and are not told of.
  const old = [1, 2].map((number) => ticket(number, 'admitted', { admittedAt: number * 1000 }));
  const latest = Array.from({ length: 28 }, (_, i) => {
    return ticket(101 + i, i < 20 ? 'done' : 'admitted', { admittedAt: (101 + i) * 1000 });
  });
  const waiting = Array.from({ length: 20 }, (_, i) => ticket(129 + i, 'waiting'));
  line.take({ room: room(1), tickets: [...old, ...latest, ...waiting], now: 128_000 });
  expect(etaOf(line, 138, 128_000)).toMatchObject({ known: true, p50Seconds: 10 });
});

test('one every ten seconds: the fifth behind waits fifty, and a steady line is foretold without spread', () => {
  const line = admitted(10_000, [1, 2, 3, 4, 5, 6], 20);
  expect(etaOf(line, 11, 60_000)).toEqual({ known: true, p50Seconds: 50, p90Seconds: 50 });
  expect(etaOf(line, 7, 60_000).p50Seconds).toBe(10);
});

test('absent people who are passed over make the line go faster, and those passed are not waited for', () => {
  // Every second one was absent.
  const line = admitted(10_000, [1, 3, 5, 7, 9, 11], 20);
  const { p50Seconds = 0 } = etaOf(line, 21, 60_000);
  expect(p50Seconds).toBeGreaterThan(45);
  expect(p50Seconds).toBeLessThan(60);
});

test('an uneven line has a wide interval, and a line that stands still waits longer', () => {
  const line = new QueueLine();
  const times = [1000, 1500, 30_000, 31_000, 60_000];
  const done = times.map((admittedAt, i) => ticket(i + 1, 'done', { admittedAt }));
  line.take({ room: room(1), tickets: [...done, ...[6, 7, 8].map((n) => ticket(n, 'waiting'))], now: 60_000 });
  const { p50Seconds = 0, p90Seconds = 0 } = etaOf(line, 8, 60_000);
  expect(p90Seconds).toBeGreaterThan(p50Seconds);
  expect(etaOf(line, 8, 600_000).p50Seconds).toBeGreaterThan(p50Seconds);
});

test('what is left is likely to suffice by the measured conversion', () => {
  // Nothing measured: everybody buys one.
  expect([supplyLikely(undefined, 9, 10), supplyLikely(undefined, 10, 10)]).toEqual([true, false]);
  // One of four buys, two each.
  const half = { bought: 24, unsold: 75, quantity: 48 } as RoomRow;
  expect([supplyLikely(half, 19, 10), supplyLikely(half, 20, 10)]).toEqual([true, false]);
  expect(supplyLikely(half, 0, 0)).toBe(false);
});
