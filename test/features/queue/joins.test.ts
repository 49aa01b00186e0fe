import { everyDatabase, type TestDatabase } from '../../support/databases';
import { codeOf, type Hall, newSale, openWorld, pass, type World } from './hall';

// Joining: one ticket a user and sale, numbers without gaps in the order of the log.

describe.each(everyDatabase)('$name', ({ create }) => {
  let place: TestDatabase;
  let world: World;
  let [one, two] = [] as unknown as [Hall, Hall];

  beforeAll(async () => {
    place = await create();
    world = await openWorld(place);
    [one, two] = [await world.open(), await world.open()];
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  test('who joins gets a ticket, a number and a position; joining again answers the same ticket', async () => {
    const saleId = newSale(world);
    const ada = await one.join(saleId, 'ada');
    const bob = await two.join(saleId, 'bob');
    expect(ada).toMatchObject({ number: 1, status: 'waiting', position: 1, ahead: 0, eta: { known: false } });
    expect(ada.ticket).toMatch(/^q[\w-]{42}$/);
    expect(bob).toMatchObject({ number: 2, position: 2, ahead: 1 });
    expect(await two.join(saleId, 'ada')).toEqual(ada);
  });

  test('one user from ten devices at two processes at once has one ticket, and numbers have no gaps', async () => {
    const saleId = newSale(world);
    const users = ['ada', 'bob', 'cleo', 'dan'];
    const joins = users.flatMap((user) =>
      Array.from({ length: 10 }, async (_, i) => [user, await (i % 2 === 0 ? one : two).join(saleId, user)] as const),
    );
    const joined = await Promise.all(joins);
    for (const user of users)
      expect(new Set(joined.filter(([who]) => who === user).map(([, { ticket }]) => ticket)).size).toBe(1);
    expect(new Set(joined.map(([, { receipt }]) => receipt?.number))).toEqual(new Set([1, 2, 3, 4]));
  });

  test('the database holds hashes of tickets alone', async () => {
    const saleId = newSale(world);
    const { ticket } = await one.join(saleId, 'ada');
    const rows = await one.db.read((sql) => sql.rows('SELECT * FROM queue_tickets WHERE sale_id = ?', [saleId]));
    expect(JSON.stringify(rows)).not.toContain(ticket);
  });

  test('who has left joins again at the end, with another ticket', async () => {
    const saleId = newSale(world);
    const ada = await one.join(saleId, 'ada');
    await one.join(saleId, 'bob');
    expect(await one.service.leaveQueue({ ticket: ada.ticket })).toEqual({ status: 'left' });
    expect(await one.service.leaveQueueByBeacon({ ticket: ada.ticket })).toEqual({ status: 'left' });
    const again = await one.join(saleId, 'ada');
    expect(again.ticket).not.toBe(ada.ticket);
    expect(again).toMatchObject({ number: 3, position: 2 });
    expect((await one.status(ada.ticket)).status).toBe('left');
  });

  test('rooms that are not there, not open, or over are told by name', async () => {
    const none = newSale(world, { queue: undefined });
    const later = newSale(world, { queue: { opensAt: new Date(world.clock.now() + 5000).toISOString() } });
    const over = newSale(world, { state: 'closed' });
    expect(await codeOf(one.join('unknown', 'ada'))).toBe('sale_not_found');
    expect(await codeOf(one.join(none, 'ada'))).toBe('queue_not_found');
    expect(await codeOf(one.join(later, 'ada'))).toBe('queue_not_open');
    expect(await codeOf(one.join(over, 'ada'))).toBe('queue_closed');
    expect(await codeOf(one.status('A'.repeat(43)))).toBe('queue_ticket_not_found');
    world.clock.at += 5000;
    expect(await codeOf(one.join(later, 'ada'))).toBe('ok');
  });

  test('when the sale is over nobody waits any longer', async () => {
    const saleId = newSale(world, { available: 0 });
    const { ticket } = await one.join(saleId, 'ada');
    world.sales.change(saleId, { state: 'closed' });
    await pass(world, [one], saleId, 4000);
    expect((await one.status(ticket)).status).toBe('expired');
  });

  test('a sale that is paused, not open or sold out calls nobody', async () => {
    const saleId = newSale(world, { state: 'paused' });
    const { ticket } = await one.join(saleId, 'ada');
    const poll = () => one.status(ticket);
    await pass(world, [one], saleId, 4000, poll);
    expect((await poll()).status).toBe('waiting');
    world.sales.change(saleId, { state: 'open', available: 0 });
    await pass(world, [one], saleId, 4000, poll);
    expect(await poll()).toMatchObject({ status: 'waiting', supplyLikely: false });
    world.sales.change(saleId, { available: 1 });
    await pass(world, [one], saleId, 4000, poll);
    expect((await poll()).status).toBe('ready');
  });
});
