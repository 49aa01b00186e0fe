import { everyServer, type TestDatabase } from '../../support/databases';
import { type Hall, newSale, openWorld, type World } from './hall';

// Several processes without Redis: whoever is present is called in the order of the line, whichever process is asked.

const soonMs = 250;

describe.each(everyServer)('$name', ({ create }) => {
  let place: TestDatabase;
  let world: World;
  let halls: [Hall, Hall];

  beforeAll(async () => {
    place = await create();
    world = await openWorld(place);
    halls = [await world.open(), await world.open()];
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  /** The status that each process tells, which must be one. */
  async function statusesOf(tickets: readonly string[]): Promise<string[]> {
    const told: string[] = [];
    for (const ticket of tickets) told.push((await halls[0].status(ticket)).status);
    return told;
  }

  test('who has just joined at one process is called before those behind who ask another one', async () => {
    const [one, two] = halls;
    const saleId = newSale(world, { queue: { activePlaces: 1 } });
    const ada = await one.join(saleId, 'ada');
    const bob = await two.join(saleId, 'bob');
    // The process that knows bob alone looks first.
    await two.round(saleId);
    await one.rooms.refreshed(saleId);
    expect(await statusesOf([ada.ticket, bob.ticket])).toEqual(['ready', 'waiting']);
  });

  test('who is back is called before those behind, and who has gone is not', async () => {
    const [one, two] = halls;
    const saleId = newSale(world, { queue: { activePlaces: 2, silenceSeconds: 600 }, state: 'paused' });
    const tickets: string[] = [];
    for (const user of ['ghost', 'ada', 'bob', 'cleo']) tickets.push((await one.join(saleId, user)).ticket);
    world.clock.at += 60_000;
    const [, ada = '', bob = '', cleo = ''] = tickets;
    await one.status(ada);
    await two.rooms.refreshed(saleId);
    for (const ticket of [bob, cleo]) await two.status(ticket);
    await one.round(saleId);
    world.sales.change(saleId, { state: 'open' });
    world.clock.at += soonMs;
    // The rules are older than that for two seconds: another hall reads them anew.
    const late = await world.open();
    await late.rooms.refreshed(saleId);
    for (const ticket of [bob, cleo]) await late.status(ticket);
    await late.round(saleId);
    await one.rooms.refreshed(saleId);
    expect(await statusesOf(tickets)).toEqual(['waiting', 'ready', 'ready', 'waiting']);
  });

  test('of sixty who each ask one process as often as they are told nobody is passed over', async () => {
    const saleId = newSale(world, { queue: { activePlaces: 4, readySeconds: 10 } });
    const people: { user: string; hall: Hall; ticket: string; next: number; asked: number; status: string }[] = [];
    for (let i = 0; i < 60; i += 1) {
      const [user, hall] = [`user-${i}`, halls[(i * 7) % 3 === 0 ? 0 : 1] as Hall];
      const { ticket } = await hall.join(saleId, user);
      people.push({ user, hall, ticket, next: world.clock.at, asked: world.clock.at, status: 'waiting' });
    }
    const passed: string[] = [];
    for (let step = 0; step < 400 && people.some(({ status }) => status !== 'gone'); step += 1) {
      world.clock.at += soonMs;
      const now = world.clock.at;
      for (const hall of step % 2 === 0 ? halls : [...halls].reverse()) await hall.round(saleId);
      for (const hall of halls) await hall.rooms.refreshed(saleId);
      const ready = await readyIn(halls[0], saleId);
      for (const [i, person] of people.entries()) {
        if (person.status !== 'waiting' || !ready.has(i + 1)) continue;
        person.status = 'ready';
        const before = people.slice(0, i).filter(({ status, asked }) => status === 'waiting' && now - asked < 2500);
        passed.push(...before.map(({ user }) => `${user} by ${person.user}`));
      }
      for (const person of people) {
        if (person.status === 'gone' || person.next > now) continue;
        const { status, pollAfterMs } = await person.hall.status(person.ticket);
        Object.assign(person, { asked: now, next: now + pollAfterMs });
        if (status === 'ready') await buy(person, saleId);
      }
    }
    expect(passed).toEqual([]);
    expect(people.filter(({ status }) => status !== 'gone')).toEqual([]);
  }, 120_000);

  async function buy(
    person: { user: string; hall: Hall; ticket: string; status: string },
    saleId: string,
  ): Promise<void> {
    const { grant } = await person.hall.enter(person.user, person.ticket);
    await person.hall.tell({ grant: await person.hall.jtiOf(grant), saleId, bought: true });
    person.status = 'gone';
  }
});

/** The numbers of those who may enter, or have. */
async function readyIn(hall: Hall, saleId: string): Promise<Set<number>> {
  const text = "SELECT number FROM queue_tickets WHERE sale_id = ? AND status IN ('ready', 'admitted', 'done')";
  const rows = await hall.db.read((sql) => sql.rows<{ number: number }>(text, [saleId]));
  return new Set(rows.map(({ number }) => Number(number)));
}
