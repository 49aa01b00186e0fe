import { everyDatabase, type TestDatabase } from '../../support/databases';
import { codeOf, type Hall, newSale, openWorld, pass, type World } from './hall';

// From being called to a grant, and from a grant to a place that is free again.

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

  /** Two in a room with one place; the first is called. */
  async function two(): Promise<{ saleId: string; ada: string; bob: string }> {
    const saleId = newSale(world, { queue: { activePlaces: 1 } });
    const { ticket: ada } = await hall.join(saleId, 'ada');
    const { ticket: bob } = await hall.join(saleId, 'bob');
    await hall.round(saleId);
    return { saleId, ada, bob };
  }

  const statusOf = async (ticket: string): Promise<string> => (await hall.status(ticket)).status;

  test('who is called enters with a grant, and gets the same grant again', async () => {
    const { saleId, ada, bob } = await two();
    expect(await hall.status(ada)).toMatchObject({
      ...{ status: 'ready', position: 0, readyUntil: new Date(world.clock.now() + 30_000).toISOString() },
    });
    const first = await hall.enter('ada', ada);
    expect(await hall.enter('ada', ada)).toEqual(first);
    const verdict = await hall.grants.verify(first.grant);
    const exp = Math.floor((world.clock.now() + 30_000) / 1000);
    expect(verdict).toMatchObject({ valid: true, claims: { sub: 'ada', saleId, exp } });
    expect(first.expiresAt).toBe(new Date(exp * 1000).toISOString());
    await hall.rooms.refreshed(saleId);
    expect(await hall.status(ada)).toMatchObject({ status: 'admitted' });
    expect(await hall.status(bob)).toMatchObject({ status: 'waiting', position: 1 });
  });

  test('ten times at once it is one grant', async () => {
    const { ada } = await two();
    const grants = await Promise.all(Array.from({ length: 10 }, () => hall.enter('ada', ada)));
    expect(new Set(grants.map(({ grant }) => grant)).size).toBe(1);
  });

  test('who was not called, or comes with another token, does not enter', async () => {
    const { ada, bob } = await two();
    await expect(hall.enter('bob', bob)).rejects.toMatchObject({
      ...{ code: 'not_ready', kind: 'forbidden', details: { retryAfterMs: expect.any(Number) } },
    });
    expect(await codeOf(hall.enter('bob', ada))).toBe('queue_ticket_not_found');
    expect(await codeOf(hall.enter('ada', ada))).toBe('ok');
  });

  test('at the instant the ready window is over nobody enters, whether or not anybody has tidied up', async () => {
    const { ada } = await two();
    world.clock.at += 29_999;
    const late = await two();
    expect(await codeOf(hall.enter('ada', ada))).toBe('ok');
    world.clock.at += 30_000;
    expect(await codeOf(hall.enter('ada', late.ada))).toBe('not_ready');
  });

  test('a grant that ran out is voided, and its place is free', async () => {
    const { saleId, ada, bob } = await two();
    const jti = await hall.jtiOf((await hall.enter('ada', ada)).grant);
    await pass(world, [hall], saleId, 28_000, () => hall.status(bob));
    expect([world.sales.grants.get(jti), await statusOf(bob)]).toEqual([undefined, 'waiting']);
    await pass(world, [hall], saleId, 4000, () => hall.status(bob));
    expect([world.sales.grants.get(jti), await statusOf(ada), await statusOf(bob)]).toEqual([
      ...['voided', 'expired', 'ready'],
    ]);
    expect(await codeOf(hall.enter('ada', ada))).toBe('queue_ticket_ended');
  });

  test('a grant with a hold keeps its place until the end of the hold is told', async () => {
    const { saleId, ada, bob } = await two();
    const grant = await hall.jtiOf((await hall.enter('ada', ada)).grant);
    expect(world.sales.use(grant)).toBe(true);
    await pass(world, [hall], saleId, 120_000, () => hall.status(bob));
    expect([await statusOf(ada), await statusOf(bob)]).toEqual(['admitted', 'waiting']);
    await hall.tell({ grant, saleId, bought: false });
    await hall.tell({ grant, saleId, bought: false });
    await hall.round(saleId);
    expect([await statusOf(ada), await statusOf(bob)]).toEqual(['expired', 'ready']);
  });

  test('who has bought is done, once, whatever is told afterwards', async () => {
    const { saleId, ada } = await two();
    const grant = await hall.jtiOf((await hall.enter('ada', ada)).grant);
    world.sales.use(grant);
    await hall.tell({ grant, saleId, bought: true }, { grant, saleId, bought: false });
    await hall.rooms.refreshed(saleId);
    expect(await statusOf(ada)).toBe('done');
    const room = await hall.repository.room(saleId);
    expect(room).toMatchObject({ bought: 1, unsold: 0, quantity: 1 });
  });

  test('voided or held: whoever is first has the grant, and the place is freed once', async () => {
    for (let round = 0; round < 6; round += 1) {
      const { saleId, ada } = await two();
      const grant = await hall.jtiOf((await hall.enter('ada', ada)).grant);
      world.clock.at += 31_000;
      const [, used] = await Promise.all([
        hall.caller.freePlaces(),
        Promise.resolve().then(() => round % 2 === 0 && world.sales.use(grant)),
      ]);
      await hall.caller.freePlaces();
      await hall.rooms.refreshed(saleId);
      expect(await statusOf(ada)).toBe(used ? 'admitted' : 'expired');
      await hall.tell({ grant, saleId, bought: false });
      expect(await hall.repository.room(saleId)).toMatchObject({ unsold: 1 });
    }
  });

  test('who leaves with a grant gives the place back at once, unless there is a hold', async () => {
    const { saleId, ada, bob } = await two();
    const grant = await hall.jtiOf((await hall.enter('ada', ada)).grant);
    await hall.service.leaveQueue({ ticket: ada });
    await hall.round(saleId);
    expect([world.sales.grants.get(grant), await statusOf(ada), await statusOf(bob)]).toEqual([
      ...['voided', 'left', 'ready'],
    ]);
    const held = await hall.jtiOf((await hall.enter('bob', bob)).grant);
    world.sales.use(held);
    await hall.service.leaveQueue({ ticket: bob });
    await hall.round(saleId);
    expect(await statusOf(bob)).toBe('admitted');
  });
});
