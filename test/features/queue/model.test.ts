import fc from 'fast-check';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { codeOf, type Hall, newSale, openWorld, type World } from './hall';

// Random stories of a room that two processes look after at once. After each step: no more people are called, hold grants or
// hold seats than there are places; and nobody is called behind somebody who is present in front.

const users = Array.from({ length: 12 }, (_, i) => `user-${i}`);
const activePlaces = 3;
const stories = Number(process.env.TICKETING_STORIES ?? 15);

interface Guest {
  readonly ticket: string;
  grant?: string;
  held?: true;
}

class Story {
  readonly guests = new Map<string, Guest>();

  constructor(
    readonly world: World,
    readonly halls: readonly [Hall, Hall],
    readonly saleId: string,
  ) {}

  hall(n: number): Hall {
    return this.halls[n % 2 === 0 ? 0 : 1];
  }

  async join(user: string, n: number): Promise<void> {
    const { ticket } = await this.hall(n).join(this.saleId, user);
    const known = this.guests.get(user);
    if (known?.ticket !== ticket) this.guests.set(user, { ticket });
  }

  /** Everybody in the list asks both processes. */
  async ask(present: readonly string[]): Promise<void> {
    for (const user of present) {
      const guest = this.guests.get(user);
      if (guest) for (const hall of this.halls) await hall.status(guest.ticket);
    }
  }

  async enter(user: string, n: number): Promise<void> {
    const guest = this.guests.get(user);
    if (!guest) return;
    const enter = async (): Promise<void> => {
      const { grant } = await this.hall(n).enter(user, guest.ticket);
      guest.grant = await this.hall(n).jtiOf(grant);
    };
    expect(['ok', 'not_ready', 'queue_ticket_ended']).toContain(await codeOf(enter()));
  }

  async hold(user: string): Promise<void> {
    const guest = this.guests.get(user);
    if (guest?.grant !== undefined && this.world.sales.use(guest.grant)) guest.held = true;
  }

  async end(user: string, bought: boolean, n: number): Promise<void> {
    const guest = this.guests.get(user);
    if (guest?.grant === undefined || !guest.held) return;
    delete guest.held;
    await this.hall(n).tell({ grant: guest.grant, saleId: this.saleId, bought });
  }

  async leave(user: string, n: number): Promise<void> {
    const guest = this.guests.get(user);
    if (guest) await this.hall(n).service.leaveQueue({ ticket: guest.ticket });
  }

  async pass(ms: number): Promise<void> {
    this.world.clock.at += ms;
  }

  /** Both processes look after the room at once. */
  async rounds(): Promise<void> {
    await Promise.all(this.halls.map((hall) => hall.round(this.saleId)));
  }

  /** I5, from rows and from what reservations knows. */
  async check(): Promise<void> {
    const now = this.world.clock.now();
    const rows = await this.halls[0].db.read((sql) =>
      sql.rows<{ status: string; ready_until: number }>(
        "SELECT status, ready_until FROM queue_tickets WHERE sale_id = ? AND status IN ('ready', 'admitted')",
        [this.saleId],
      ),
    );
    const live = rows.filter(({ status, ready_until: until }) => status === 'admitted' || until > now);
    expect(live.length).toBeLessThanOrEqual(activePlaces);
    const held = [...this.guests.values()].filter((guest) => guest.held);
    expect(held.length).toBeLessThanOrEqual(activePlaces);
  }
}

type Step = (story: Story) => Promise<unknown>;
const anyone = fc.constantFrom(...users);
const which = fc.nat(1);
const step: fc.Arbitrary<readonly [string, Step]> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(anyone, which).map(([u, n]) => [`${u} joins`, (s: Story) => s.join(u, n)] as const),
  },
  {
    weight: 5,
    arbitrary: fc.subarray(users).map((some) => [`${some.join()} ask`, (s: Story) => s.ask(some)] as const),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(anyone, which).map(([u, n]) => [`${u} enters`, (s: Story) => s.enter(u, n)] as const),
  },
  { weight: 4, arbitrary: anyone.map((u) => [`${u} holds`, (s: Story) => s.hold(u)] as const) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(anyone, fc.boolean(), which)
      .map(([u, bought, n]) => [`${u} ${bought ? 'buys' : 'cancels'}`, (s: Story) => s.end(u, bought, n)] as const),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(anyone, which).map(([u, n]) => [`${u} leaves`, (s: Story) => s.leave(u, n)] as const),
  },
  { weight: 6, arbitrary: fc.constant(['rounds', (s: Story) => s.rounds()] as const) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(2000, 5000, 9000, 31_000)
      .map((ms) => [`${ms} ms pass`, (s: Story) => s.pass(ms)] as const),
  },
);

describe.each(everyDatabase)('$name', ({ create }) => {
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

  test('whatever happens in whatever order at two processes, places are never exceeded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50 }), async (steps) => {
        const saleId = newSale(world, { queue: { activePlaces, readySeconds: 10, grantSeconds: 10 } });
        const story = new Story(world, halls, saleId);
        for (const [, run] of steps) {
          await run(story);
          await story.check();
        }
      }),
      { numRuns: stories, seed: 20_261_128, endOnFailure: true },
    );
  }, 120_000);
});
