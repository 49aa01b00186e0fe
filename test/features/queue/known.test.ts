import { sha256 } from '../../../src/features/queue/queue.draw';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { type Hall, newSale, openWorld, type World } from './hall';

// What a process can tell at once, without a question to anybody, and for how long.

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

  const known = (ticket: string, at: Hall = hall) => at.statuses.known(sha256(ticket));

  test('a status is told at once as it would be asked for, until what reservations have said is old', async () => {
    const saleId = newSale(world);
    const { ticket } = await hall.join(saleId, 'ada');
    expect(known(ticket)).toEqual(await hall.status(ticket));
    expect(known(ticket)).toMatchObject({ status: 'waiting', supplyLikely: true });
    world.sales.change(saleId, { available: 0 });
    world.clock.at += 999;
    expect(known(ticket)).toMatchObject({ supplyLikely: true });
    world.clock.at += 1;
    expect(known(ticket)).toBeUndefined();
    expect(await hall.status(ticket)).toMatchObject({ supplyLikely: false });
    expect(known(ticket)).toMatchObject({ supplyLikely: false });
    world.clock.at += 999;
    // The rules are older than what is available; both count.
    expect(known(ticket)).toMatchObject({ supplyLikely: false });
    await hall.rooms.leftOf(saleId);
    world.clock.at += 1;
    await hall.rooms.leftOf(saleId);
    expect(known(ticket)).toBeUndefined();
  });

  test('who asks at once is present, as who asks', async () => {
    const saleId = newSale(world);
    const { ticket } = await hall.join(saleId, 'ada');
    world.clock.at += 60_000;
    await hall.rooms.rulesOf(saleId);
    await hall.rooms.leftOf(saleId);
    expect(await hall.presence.count(saleId)).toBe(0);
    expect(known(ticket)).toMatchObject({ status: 'waiting' });
    expect(await hall.presence.count(saleId)).toBe(1);
  });

  test('nothing is told of a ticket that was not looked for yet, nor before reservations were asked', async () => {
    const saleId = newSale(world);
    const { ticket } = await hall.join(saleId, 'ada');
    const other = await world.open();
    expect(known(ticket, other)).toBeUndefined();
    expect(known('nobody', other)).toBeUndefined();
    await other.rooms.refreshed(saleId);
    expect(known(ticket, other)).toBeUndefined();
    expect(await other.status(ticket)).toEqual(known(ticket, other));
    expect(known(ticket, other)).toMatchObject({ status: 'waiting' });
  });

  test('a ticket that has ended is told at once when it was asked for once', async () => {
    const saleId = newSale(world);
    const { ticket } = await hall.join(saleId, 'ada');
    await hall.service.leaveQueue({ ticket });
    await hall.rooms.refreshed(saleId);
    expect(known(ticket)).toBeUndefined();
    const told = await hall.status(ticket);
    expect(told).toMatchObject({ status: 'left', position: 0 });
    expect(known(ticket)).toEqual(told);
  });
});
