import { sha256 } from '../../../src/features/queue/queue.draw';
import { QueueTickets } from '../../../src/features/queue/queue.tickets';
import { Grants } from '../../../src/shared/auth/grants';
import { loadConfig } from '../../../src/shared/config/load-config';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { codeOf, type Hall, newSale, openWorld, pass, type World } from './hall';

// Nobody loses a turn by what is not theirs: a pause, an outage, a draw that never came, a key that was changed; and nobody
// takes from others by coming and going.

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

  const rules = { activePlaces: 2, readySeconds: 10, grantSeconds: 10, silenceSeconds: 60 };

  /** Three in a room with two places: ada is admitted, bob is called, cleo waits. */
  async function three(): Promise<{ saleId: string; tickets: readonly [string, string, string] }> {
    const saleId = newSale(world, { queue: rules });
    const { ticket: ada } = await hall.join(saleId, 'ada');
    const { ticket: bob } = await hall.join(saleId, 'bob');
    const { ticket: cleo } = await hall.join(saleId, 'cleo');
    await hall.round(saleId);
    await hall.enter('ada', ada);
    await hall.rooms.refreshed(saleId);
    return { saleId, tickets: [ada, bob, cleo] };
  }

  async function statusesOf(tickets: readonly string[]): Promise<string[]> {
    const told: string[] = [];
    for (const ticket of tickets) told.push((await hall.status(ticket)).status);
    return told;
  }

  test('a pause takes no turn, however long it is, and gives no grant that nobody can use', async () => {
    const { saleId, tickets } = await three();
    const [ada, bob] = tickets;
    world.sales.change(saleId, { state: 'paused' });
    await pass(world, [hall], saleId, 60_000, () => statusesOf(tickets));
    expect(await codeOf(hall.enter('bob', bob))).toBe('sale_paused');
    expect(await statusesOf(tickets)).toEqual(['ready', 'ready', 'waiting']);
    world.sales.change(saleId, { state: 'open' });
    world.clock.at += 2000;
    for (const [user, ticket] of [
      ['ada', ada],
      ['bob', bob],
    ] as const)
      expect(await codeOf(hall.enter(user, ticket))).toBe('ok');
  });

  test('a grant that runs out in a pause is worth nothing, and the next one is another', async () => {
    const { saleId, tickets } = await three();
    const [ada] = tickets;
    const first = await hall.jtiOf((await hall.enter('ada', ada)).grant);
    world.sales.change(saleId, { state: 'paused' });
    await pass(world, [hall], saleId, 12_000);
    expect(world.sales.use(first)).toBe(false);
    world.sales.change(saleId, { state: 'open' });
    world.clock.at += 2000;
    const second = await hall.jtiOf((await hall.enter('ada', ada)).grant);
    expect(second).not.toBe(first);
    expect(world.sales.use(second)).toBe(true);
  });

  test('while no process ran nobody has missed a turn: whoever was in front is in front', async () => {
    const { saleId, tickets } = await three();
    world.clock.at += 40_000;
    await hall.caller.round(saleId);
    await hall.round(saleId);
    await hall.rooms.refreshed(saleId);
    expect(await statusesOf(tickets)).toEqual(['ready', 'ready', 'waiting']);
    // A turn that nobody takes is over then, as ever.
    await pass(world, [hall], saleId, 14_000, () => hall.status(tickets[2]));
    expect(await statusesOf(tickets)).not.toContain('admitted');
    expect((await statusesOf(tickets))[2]).toBe('ready');
  });

  test('whoever leaves with a grant has left at once, and the next one is called', async () => {
    const { saleId, tickets } = await three();
    const [ada, , cleo] = tickets;
    const { grant } = await hall.enter('ada', ada);
    expect(await hall.service.leaveQueue({ ticket: ada })).toEqual({ status: 'left' });
    expect((await hall.status(ada)).status).toBe('left');
    expect(world.sales.use(await hall.jtiOf(grant))).toBe(false);
    await hall.round(saleId);
    expect((await hall.status(cleo)).status).toBe('ready');
    const { ticket } = await hall.join(saleId, 'dan');
    await hall.service.leaveQueue({ ticket });
    expect((await hall.status(ticket)).status).toBe('left');
  });

  test('hundreds of grants that run out are voided in one look, several at a time, and one sale does not wait for another', async () => {
    const many = 120;
    const saleId = newSale(world, { queue: { ...rules, activePlaces: many } });
    const guests: string[] = [];
    for (let i = 0; i < many; i += 1) guests.push((await hall.join(saleId, `guest-${i}`)).ticket);
    await hall.round(saleId);
    for (const [i, ticket] of guests.entries()) await hall.enter(`guest-${i}`, ticket);
    const { saleId: other, tickets } = await three();
    world.clock.at += 11_000;
    const { voidGrant } = world.sales.api;
    let [running, most] = [0, 0];
    world.sales.api.voidGrant = async (request) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return voidGrant(request);
    };
    expect(await hall.caller.freePlaces()).toBe(false);
    world.sales.api.voidGrant = voidGrant;
    expect(most).toBeGreaterThan(5);
    for (const sale of [saleId, other]) await hall.rooms.refreshed(sale);
    expect(new Set(await statusesOf(guests))).toEqual(new Set(['expired']));
    expect((await hall.status(tickets[0])).status).toBe('expired');
  });

  test('one user has twenty tickets for a sale at most, and others who join at that moment are not troubled', async () => {
    const saleId = newSale(world);
    for (let i = 0; i < 20; i += 1) {
      const { ticket } = await hall.join(saleId, 'ada');
      await hall.service.leaveQueue({ ticket });
    }
    const [ada, bob] = await Promise.allSettled([hall.join(saleId, 'ada'), hall.join(saleId, 'bob')]);
    expect(ada).toMatchObject({ reason: { code: 'limit_exceeded', kind: 'unprocessable' } });
    expect(bob).toMatchObject({ value: { number: 21 } });
  });

  test('a ticket of a key that is gone is still good; whoever has lost it is told so', async () => {
    const { tickets } = await three();
    const config = loadConfig({ GRANT_KEYS: `new:${'n'.repeat(32)}` }, []);
    const changed = new QueueTickets(config, new Grants(config));
    const row = await hall.repository.find(sha256(tickets[2]));
    expect(() => changed.of(row as never)).toThrow(
      expect.objectContaining({ code: 'queue_ticket_key_gone', kind: 'conflict' }),
    );
    expect((await hall.status(tickets[2])).status).toBe('waiting');
  });

  test('who has joined is drawn, though the page was closed until then', async () => {
    const drawAt = new Date(world.clock.now() + 300_000).toISOString();
    const saleId = newSale(world, { queue: { ...rules, drawAt } });
    const { ticket } = await hall.join(saleId, 'ada');
    await pass(world, [hall], saleId, 298_000);
    expect((await hall.status(ticket)).status).toBe('prequeued');
    await pass(world, [hall], saleId, 4000);
    expect((await hall.status(ticket)).status).not.toBe('expired');
    await pass(world, [hall], saleId, 100_000);
    expect((await hall.status(ticket)).status).toBe('expired');
  });

  test('a sale that is over before its draw shows what was committed to', async () => {
    const drawAt = new Date(world.clock.now() + 600_000).toISOString();
    const saleId = newSale(world, { queue: { ...rules, drawAt } });
    const { ticket } = await hall.join(saleId, 'ada');
    const before = await hall.service.getDraw({ saleId });
    expect(before).toMatchObject({ drawn: false, joins: [] });
    world.sales.change(saleId, { state: 'closed' });
    await pass(world, [hall], saleId, 6000);
    expect((await hall.status(ticket)).status).toBe('expired');
    const after = await hall.service.getDraw({ saleId });
    expect(after).toMatchObject({ drawn: true, joins: [{ number: 1, place: 1 }] });
    expect(sha256(after.seed ?? '')).toBe(before.seedHash);
  });
});
