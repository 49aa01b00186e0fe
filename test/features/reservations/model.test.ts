import fc from 'fast-check';
import { ulid } from 'ulid';
import type { Reservation } from '../../../src/generated/aerie/reservations/v1/reservations';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { type Held, limits, Model, seats } from './model';
import { cancel, codeOf, hold, newSale, type Office, openOffice } from './office';

// Random stories of a sale against a model of it: after each step the service has answered what the model says, and the
// audit agrees. Time passes in the stories, and processes end between any two steps: another office goes on.

const users = ['ada', 'bob', 'cleo'];
const stories = Number(process.env.TICKETING_STORIES ?? 25);

const nextOf: Readonly<Record<NonNullable<Held['payment']>, readonly string[]>> = {
  authorized: ['capture_refused', 'refunding', 'refunded'],
  refunding: ['refunded'],
  capture_refused: [],
  refunded: [],
};

class World {
  readonly model = new Model();

  constructor(
    public office: Office,
    readonly saleId: string,
    readonly reopen: () => Promise<Office>,
  ) {}

  pick(n: number): Held | undefined {
    return this.model.all.length === 0 ? undefined : this.model.all[n % this.model.all.length];
  }

  async hold(user: string, wanted: number | readonly string[]): Promise<void> {
    const expected = this.model.judge(user, wanted);
    const key = ulid();
    let told: Reservation | undefined;
    const call = async () => {
      told = await hold(this.office, user, this.saleId, wanted, { key });
    };
    expect(await codeOf(call())).toBe(expected);
    if (told === undefined) return;
    // A retry of the same request is the same hold.
    expect(await hold(this.office, user, this.saleId, wanted, { key })).toEqual(told);
    const isFloor = typeof wanted === 'number';
    const what = { quantity: isFloor ? wanted : wanted.length, seats: isFloor ? [] : wanted };
    this.model.all.push({ told, ...what, until: this.model.now + limits.holdMs, status: 'held' });
  }

  async pay(n: number, short: boolean): Promise<void> {
    const one = this.pick(n);
    if (!one) return;
    const { id: reservationId, amount } = one.told;
    const paymentId = ulid();
    await this.office.tell({ paymentId, reservationId, status: 'authorized', amount: amount - (short ? 1 : 0) });
    if (short || !this.model.isHeld(one)) return;
    Object.assign(one, { status: 'confirmed', paymentId, payment: 'authorized' });
  }

  /** Only what payments may tell of a payment that it has told of before. */
  async end(n: number, status: 'capture_refused' | 'refunding' | 'refunded'): Promise<void> {
    const one = this.pick(n);
    if (!one?.paymentId || !nextOf[one.payment ?? 'refunded'].includes(status)) return;
    const { paymentId, told } = one;
    await this.office.tell({ paymentId, reservationId: told.id, status, amount: told.amount });
    one.status = status === 'capture_refused' ? 'revoked' : status;
    one.payment = status;
  }

  async cancel(n: number): Promise<void> {
    const one = this.pick(n);
    if (!one) return;
    const status = this.model.statusOf(one);
    const expected = { held: 'ok', cancelled: 'ok', expired: 'reservation_expired' }[status] ?? 'reservation_ended';
    expect(await codeOf(cancel(this.office, one.told.userId, one.told.id))).toBe(expected);
    if (status === 'held') one.status = 'cancelled';
  }

  async extend(n: number): Promise<void> {
    const one = this.pick(n);
    if (!one || !this.model.isHeld(one)) return;
    const { id, userId } = one.told;
    const call = () => this.office.service.extendReservation({ id }, { idempotencyKey: ulid() });
    const code = await codeOf(this.office.as(userId, call));
    expect(['ok', 'already_extended']).toContain(code);
    if (code === 'ok') one.until += 60_000;
  }

  /** Everything is as the model says. */
  async check(): Promise<void> {
    for (const one of this.model.all) {
      const { id, userId } = one.told;
      const { status } = await this.office.as(userId, () => this.office.service.getReservation({ id }));
      expect([id, status]).toEqual([id, this.model.statusOf(one)]);
    }
    const { seats: plan } = await this.office.service.getAvailability({ saleId: this.saleId, sectionId: 'seats' });
    expect(plan.map(({ seatId, state }) => [seatId, state !== 'available'])).toEqual(
      seats.map((seat) => [seat, this.model.isTaken(seat)]),
    );
    expect(await this.office.audit(this.saleId)).toMatchObject({ ok: true, violations: [] });
  }
}

type Step = (world: World) => Promise<unknown>;

const anyone = fc.constantFrom(...users);
const which = fc.nat(20);
const step: fc.Arbitrary<readonly [string, Step]> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(anyone, fc.integer({ min: 1, max: 4 }))
      .map(([user, n]) => [`${user} holds ${n}`, (w: World) => w.hold(user, n)] as const),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(anyone, fc.subarray(seats, { minLength: 1, maxLength: 3 }))
      .map(([user, of]) => [`${user} holds ${of.join()}`, (w: World) => w.hold(user, of)] as const),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(which, fc.boolean())
      .map(([n, short]) => [`${n} is paid${short ? ' short' : ''}`, (w: World) => w.pay(n, short)] as const),
  },
  { weight: 2, arbitrary: which.map((n) => [`${n} is cancelled`, (w: World) => w.cancel(n)] as const) },
  { weight: 2, arbitrary: which.map((n) => [`${n} is extended`, (w: World) => w.extend(n)] as const) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(which, fc.constantFrom('capture_refused', 'refunding', 'refunded'))
      .map(([n, how]) => [`${n}: ${how}`, (w: World) => w.end(n, how)] as const),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(10_000, 35_000, 61_000)
      .map((ms) => [`${ms} ms pass`, async (w: World) => pass(w, ms)] as const),
  },
  { weight: 1, arbitrary: fc.constant(['is tidied up', (w: World) => w.office.repository.expire()] as const) },
  {
    weight: 1,
    arbitrary: fc.boolean().map((paused) => [paused ? 'pauses' : 'opens', (w: World) => pauseSale(w, paused)] as const),
  },
  { weight: 1, arbitrary: fc.constant(['another process goes on', async (w: World) => another(w)] as const) },
);

function pass({ model, office }: World, ms: number): void {
  model.now += ms;
  office.clock.ahead += ms;
}

async function pauseSale({ model, office, saleId }: World, paused: boolean): Promise<void> {
  await office.as(undefined, () => office.service.setSaleState({ saleId, state: paused ? 'paused' : 'open' }));
  model.paused = paused;
}

async function another(world: World): Promise<void> {
  const { ahead } = world.office.clock;
  world.office = await world.reopen();
  world.office.clock.ahead = ahead;
}

describe.each(everyDatabase)('$name', ({ create }) => {
  let place: TestDatabase;
  const open: Office[] = [];
  const reopen = async (): Promise<Office> => {
    // On SQLite one process has the file.
    const isSqlite = place.url.startsWith('sqlite');
    if (isSqlite) await open.pop()?.[Symbol.asyncDispose]();
    if (open.length > 3) await open.shift()?.[Symbol.asyncDispose]();
    const office = await openOffice(place);
    open.push(office);
    return office;
  };

  beforeAll(async () => {
    place = await create();
    await reopen();
  });
  afterAll(async () => {
    for (const office of open) await office[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  test('whatever happens in whatever order, the sale is as the model says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const office = open.at(-1) as Office;
        const saleId = await newSale(office, { maxPerUser: limits.maxPerUser });
        const world = new World(office, saleId, reopen);
        for (const [, run] of steps) await run(world);
        await world.check();
      }),
      { numRuns: stories, seed: 20_261_128, endOnFailure: true },
    );
  });
});
