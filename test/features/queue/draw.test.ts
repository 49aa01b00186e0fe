import { createHash } from 'node:crypto';
import { firstBroken } from '../../../src/features/queue/queue.draw';
import type { Draw, QueueJoin } from '../../../src/generated/aerie/queue/v1/queue';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { type Hall, newSale, openWorld, pass, type World } from './hall';

// The draw, recomputed by whoever has only what is published.

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What an independent person does with the answers: none of our code. */
function recompute(seed: string, joins: readonly QueueJoin[], drawAt: string): Map<number, number> {
  const places = new Map<number, number>();
  const drawn = joins.filter(({ joinedAt }) => Date.parse(joinedAt) < Date.parse(drawAt));
  const keys = drawn.map(({ number, ticketHash }) => [hex(`${seed}${ticketHash}`), number] as const).sort();
  keys.forEach(([, number], i) => {
    places.set(number, i + 1);
  });
  for (const { number } of joins) if (!places.has(number)) places.set(number, number);
  return places;
}

/** The first join whose hash does not follow from the one before it. */
function brokenAt(seedHash: string, joins: readonly QueueJoin[]): number | undefined {
  let previous = seedHash;
  for (const { number, ticketHash, joinedAt, hash } of joins) {
    if (hex(`${previous}\n${number}\n${ticketHash}\n${joinedAt}`) !== hash) return number;
    previous = hash;
  }
  return undefined;
}

describe.each(everyDatabase)('$name', ({ create }) => {
  let place: TestDatabase;
  let world: World;
  let hall: Hall;

  beforeAll(async () => {
    place = await create();
    world = await openWorld(place);
    hall = await world.open();
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  async function all(saleId: string): Promise<Draw & { joins: QueueJoin[] }> {
    let page = await hall.service.getDraw({ saleId, pageSize: 7 });
    const joins = [...page.joins];
    while (page.nextPageToken !== '') {
      page = await hall.service.getDraw({ saleId, pageSize: 7, pageToken: page.nextPageToken });
      joins.push(...page.joins);
    }
    return { ...page, joins };
  }

  const drawIn = (ms: number): string => new Date(world.clock.now() + ms).toISOString();

  test('the commitment is known before the first join, and nothing else before the draw', async () => {
    const drawAt = drawIn(10_000);
    const saleId = newSale(world, { queue: { drawAt } });
    const before = await hall.service.getDraw({ saleId });
    expect(before).toEqual({
      ...{
        saleId,
        seedHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        drawAt,
        drawn: false,
        joins: [],
        nextPageToken: '',
      },
    });
    const ada = await hall.join(saleId, 'ada');
    expect(ada).toMatchObject({ status: 'prequeued', position: 0, ahead: 0, receipt: { previous: before.seedHash } });
    expect(ada.number).toBeUndefined();
    expect(await hall.service.getDraw({ saleId })).toEqual(before);
    await pass(world, [hall], saleId, 8000, () => hall.status(ada.ticket));
    expect((await hall.status(ada.ticket)).status).toBe('prequeued');
  });

  test('seed, joins and order are told afterwards, and an independent script finds the same places', async () => {
    const drawAt = drawIn(10_000);
    const saleId = newSale(world, { queue: { drawAt, activePlaces: 3 } });
    const joined = [];
    for (let i = 0; i < 20; i += 1) joined.push(await hall.join(saleId, `early-${i}`));
    await hall.service.leaveQueue({ ticket: joined[4]?.ticket ?? '' });
    world.clock.at += 10_000;
    // Whoever joins at that instant comes behind, also when nobody has drawn yet.
    const late = await hall.join(saleId, 'late');
    expect(late).toMatchObject({ status: 'waiting', number: 21 });
    const { seed = '', seedHash, joins, drawn } = await all(saleId);
    expect([drawn, hex(seed), joins.length]).toEqual([true, seedHash, 21]);
    expect(new Map(joins.map(({ number, place: at }) => [number, at]))).toEqual(recompute(seed, joins, drawAt));
    expect(brokenAt(seedHash, joins)).toBeUndefined();
    // Each finds its own receipt in the log.
    for (const { receipt } of [...joined, late])
      expect(joins.find(({ number }) => number === receipt?.number)).toMatchObject({
        ...{ ticketHash: receipt?.ticketHash, joinedAt: receipt?.joinedAt, hash: receipt?.hash },
      });
    // They are called in this order.
    await hall.round(saleId);
    const first = [...joins].sort((a, b) => a.place - b.place).filter(({ number }) => number !== 5);
    for (const [i, { number }] of first.entries()) {
      const { ticket } = [...joined, late][number - 1] ?? late;
      expect((await hall.status(ticket)).status).toBe(i < 3 ? 'ready' : 'waiting');
    }
  });

  test('positions are known after the draw, and do not grow from then on', async () => {
    const saleId = newSale(world, { queue: { drawAt: drawIn(2000), activePlaces: 1 }, available: 0 });
    const tickets = [];
    for (let i = 0; i < 10; i += 1) tickets.push((await hall.join(saleId, `user-${i}`)).ticket);
    await pass(world, [hall], saleId, 4000);
    const positions = [];
    for (const ticket of tickets) positions.push((await hall.status(ticket)).position);
    expect([...positions].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('without a draw the log is public at once', async () => {
    const saleId = newSale(world);
    for (let i = 0; i < 9; i += 1) await hall.join(saleId, `user-${i}`);
    const { joins, seedHash, seed, drawn } = await all(saleId);
    expect([joins.map(({ place: at }) => at), seed, drawn]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9], undefined, false]);
    expect(brokenAt(seedHash, joins)).toBeUndefined();
  });

  test('whichever row of the log is changed, left out or swapped, the chain breaks', async () => {
    const saleId = newSale(world);
    for (let i = 0; i < 6; i += 1) {
      await hall.join(saleId, `user-${i}`);
      world.clock.at += 1;
    }
    const { seedHash } = await hall.service.getDraw({ saleId });
    const rows = await hall.repository.joins(saleId, 0, 100);
    expect(firstBroken(seedHash, rows)).toBeUndefined();
    expect(firstBroken(hex('another seed'), rows)).toBe(1);
    for (const row of rows) {
      const broken = [
        { ...row, ticketHash: hex(row.ticketHash) },
        { ...row, joinedAt: row.joinedAt - 1 },
        { ...row, number: row.number + 1 },
        { ...row, hash: hex(row.hash) },
        { ...row, previous: hex(row.previous) },
      ];
      for (const changed of broken)
        expect(
          firstBroken(
            seedHash,
            rows.map((each) => (each.number === row.number ? changed : each)),
          ),
        ).toBeDefined();
      const without = rows.filter(({ number }) => number !== row.number);
      if (row.number < 6) expect(firstBroken(seedHash, without)).toBe(row.number);
    }
  });
});
