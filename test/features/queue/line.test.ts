import { everyDatabase, type TestDatabase } from '../../support/databases';
import { type Hall, newSale, openWorld, pass, type World } from './hall';

// The order: first come, first called among those who are present, and a position that never grows.

interface Person {
  readonly user: string;
  readonly ticket: string;
  readonly number: number;
  present: boolean;
  position: number;
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

  async function crowd(saleId: string, size: number): Promise<Person[]> {
    const users = Array.from({ length: size }, (_, i) => `user-${i}`);
    const joined = await Promise.all(users.map((user) => hall.join(saleId, user)));
    const people = joined.map(({ ticket, number = 0 }, i) => {
      return { user: users[i] ?? '', ticket, number, present: true, position: Number.POSITIVE_INFINITY };
    });
    return people.sort((a, b) => a.number - b.number);
  }

  /** All who are present ask; a position that has grown is an error. Answers those who are ready. */
  async function ask(people: readonly Person[]): Promise<Person[]> {
    const ready: Person[] = [];
    for (const person of people) {
      if (!person.present) continue;
      const { status, position } = await hall.status(person.ticket);
      if (status === 'ready') ready.push(person);
      if (status !== 'waiting') continue;
      if (position > person.position) throw new Error(`${person.user} was at ${person.position} and is at ${position}`);
      person.position = position;
    }
    return ready;
  }

  test('of 2,000 with ghosts at the head all present are called in order, and ghosts cost one ready window', async () => {
    const saleId = newSale(world, { queue: { activePlaces: 50, silenceSeconds: 3600 } });
    const people = await crowd(saleId, 2000);
    // 30 % of them: nine tenths of the first 600, and some of the others.
    people.forEach((person, i) => {
      person.present = !(i < 600 ? i % 10 !== 0 : i % 20 === 0);
    });
    const present = people.filter((person) => person.present);
    const entered: number[] = [];
    const step = async (): Promise<void> => {
      for (const { user, ticket, number } of await ask(present)) {
        if (entered.includes(number)) continue;
        const grant = await hall.jtiOf((await hall.enter(user, ticket)).grant);
        entered.push(number);
        await hall.tell({ grant, saleId, bought: true });
      }
    };
    // Nobody was called before the ghosts counted as absent; what they take then is one window.
    await pass(world, [], saleId, 30_000);
    await ask(present);
    for (let rounds = 0; entered.length < present.length && rounds < 60; rounds += 1)
      await pass(world, [hall], saleId, 2000, step);
    expect(entered.length).toBe(present.length);
    const numbers = present.map(({ number }) => number);
    // Fifty are called at once; within them anybody may enter first.
    entered.forEach((number, i) => {
      const should = numbers.indexOf(number);
      if (Math.abs(should - i) > 50) throw new Error(`Number ${number} has entered as ${i}, and should as ${should}`);
    });
    const { waiting, done } = await hall.service.getQueueStats({ saleId });
    expect({ waiting, done }).toEqual({ waiting: 2000 - present.length, done: present.length });
  }, 120_000);

  test('any number of absent people who were just called delay those behind by one ready window', async () => {
    const saleId = newSale(world, { queue: { activePlaces: 5 } });
    const people = await crowd(saleId, 30);
    // All have asked just now, and the first twenty never ask again.
    await hall.round(saleId);
    const last = people.slice(20);
    const began = world.clock.at;
    let called: Person[] = [];
    await pass(world, [hall], saleId, 34_000, async () => {
      if (called.length === 0) called = await ask(last);
    });
    called = called.length > 0 ? called : await ask(last);
    expect(called.map(({ number }) => number)).toEqual([21, 22, 23, 24, 25]);
    expect(world.clock.at - began).toBeLessThanOrEqual(34_000);
  });

  test('a ghost that is back within the silence has its number, and is called before those behind', async () => {
    const saleId = newSale(world, { queue: { activePlaces: 1, silenceSeconds: 60 }, state: 'paused' });
    const [ghost, ada] = (await crowd(saleId, 2)) as [Person, Person];
    await pass(world, [hall], saleId, 58_000, () => hall.status(ada.ticket));
    expect(await hall.status(ghost.ticket)).toMatchObject({ status: 'waiting', number: 1, position: 1 });
    world.sales.change(saleId, { state: 'open' });
    await pass(world, [hall], saleId, 4000, async () => {
      await hall.status(ada.ticket);
      await hall.status(ghost.ticket);
    });
    expect((await hall.status(ghost.ticket)).status).toBe('ready');
    expect((await hall.status(ada.ticket)).status).toBe('waiting');
  });

  test('whoever is silent for longer is expired, whoever asks is not', async () => {
    const saleId = newSale(world, { queue: { activePlaces: 1, silenceSeconds: 60 }, state: 'paused' });
    const [ghost, ada] = (await crowd(saleId, 2)) as [Person, Person];
    await pass(world, [hall], saleId, 70_000, () => hall.status(ada.ticket));
    expect((await hall.status(ghost.ticket)).status).toBe('expired');
    expect(await hall.status(ada.ticket)).toMatchObject({ status: 'waiting', position: 1 });
  });

  test('while no process ran nobody could ask, so nobody is expired for it', async () => {
    const saleId = newSale(world, { queue: { activePlaces: 1, silenceSeconds: 60 }, state: 'paused' });
    const [ada] = (await crowd(saleId, 1)) as [Person];
    await hall.round(saleId);
    world.clock.at += 3_600_000;
    await hall.round(saleId);
    expect((await hall.status(ada.ticket)).status).toBe('waiting');
  });

  test('who is called and does not enter waits on at the same number once, then is expired', async () => {
    const saleId = newSale(world, { queue: { activePlaces: 1 } });
    const [ada, bob] = (await crowd(saleId, 2)) as [Person, Person];
    const both = async (): Promise<void> => {
      await ask([ada, bob]);
    };
    await pass(world, [hall], saleId, 2000, both);
    expect((await hall.status(ada.ticket)).status).toBe('ready');
    await pass(world, [hall], saleId, 32_000, both);
    // It has asked again: it is called again, before bob.
    await pass(world, [hall], saleId, 4000, both);
    const statuses = async () => [(await hall.status(ada.ticket)).status, (await hall.status(bob.ticket)).status];
    expect((await statuses())[0]).not.toBe('expired');
    await pass(world, [hall], saleId, 70_000, both);
    expect((await statuses())[0]).toBe('expired');
  });

  test('a process that has read too long ago calls nobody beyond the places, and the first in the line', async () => {
    const saleId = newSale(world, { queue: { activePlaces: 3 }, state: 'paused' });
    const people = await crowd(saleId, 6);
    const plan = {
      saleId,
      drawAt: undefined,
      activePlaces: 3,
      readyMs: 30_000,
      silenceMs: 60_000,
      over: false,
      paused: false,
    };
    const call = async (numbers: readonly number[]) =>
      (await hall.rounds.run({ ...plan, call: numbers, here: [], seen: [] })).called.map(({ number }) => number);
    expect(await call([2, 1])).toEqual([1, 2]);
    const [ada] = people as [Person];
    world.sales.change(saleId, { state: 'open' });
    world.clock.at += 2000;
    await hall.enter(ada.user, ada.ticket);
    expect(await call([6, 5, 4, 3, 2, 1])).toEqual([3]);
    expect(await call([6, 5, 4])).toEqual([]);
  });
});
