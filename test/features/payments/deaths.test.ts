import type { Order, Outcome, PaymentProvider } from '../../../src/features/payments/payments.provider';
import type { SimulatorProvider } from '../../../src/features/payments/payments.simulator';
import { asInternal } from '../../../src/shared/auth/caller';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { chargesOf, type Desk, openDesk, pay, process } from './desk';

// A process may die between any two steps, and an answer may be lost on its way; another process brings one outcome about.

/** The simulator, of whose calls some never come there, or are never answered. */
class Lossy {
  /** Of the next calls: lost on the way there, lost on the way back, or neither. */
  readonly next: ('there' | 'back' | 'fine')[] = [];
  readonly keys: string[] = [];

  constructor(private readonly simulator: SimulatorProvider) {}

  get provider(): PaymentProvider {
    const lossy = (kind: Order['kind']) => (order: Order) => this.call(kind, order);
    return Object.assign(Object.create(this.simulator) as PaymentProvider, {
      ...{ authorize: lossy('authorize'), capture: lossy('capture'), void: lossy('void'), refund: lossy('refund') },
    });
  }

  private async call(kind: Order['kind'], order: Order): Promise<Outcome> {
    const fate = this.next.shift() ?? 'fine';
    this.keys.push(`${kind} ${order.key}`);
    if (fate === 'there') throw new Error('connection refused');
    const outcome = await this.simulator[kind](order);
    if (fate === 'back') throw new Error('socket hang up');
    return outcome;
  }
}

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let desk: Desk;
  let lossy: Lossy;
  beforeEach(async () => {
    database = await create();
    desk = await openDesk(database.url, {
      provider: (simulator) => {
        lossy = new Lossy(simulator);
        return lossy.provider;
      },
    });
  });
  afterEach(async () => {
    await desk[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  /** Time goes on, and rounds come. */
  const reconcile = async (): Promise<void> => {
    for (let i = 0; i < 6; i += 1) {
      desk.clock.at += 31_000;
      await desk.round();
    }
  };
  const refund = (id: string) => asInternal(() => desk.service.refundPayment({ id }, { idempotencyKey: `r-${id}` }));

  test('each call lost on its way there and back: it is sent again with the same key, and done once', async () => {
    const { id, reservation } = await pay(desk);
    await process(desk, id);
    lossy.next.push('there', 'back', 'back');
    await reconcile();
    expect(await desk.status(id)).toBe('authorized');
    await desk.hear(desk.reservations.end(reservation.id, 'confirmed', id));
    lossy.next.push('back', 'there');
    await reconcile();
    expect(await desk.status(id)).toBe('completed');
    await refund(id);
    lossy.next.push('back', 'back');
    await reconcile();
    expect(await desk.status(id)).toBe('refunded');
    expect(await chargesOf(desk, id)).toEqual([{ state: 'captured', captured: 8000, refunded: 8000 }]);
    expect(await desk.announced(id)).toEqual(['authorized', 'refunding', 'refunded']);
    expect(new Set(lossy.keys).size).toBe(3);
    expect(lossy.keys.length).toBeGreaterThan(5);
    expect(await desk.metric('payments_reconciled_total', 'silent')).toBeGreaterThan(0);
    expect(await desk.metric('payments_reconciled_total', 'done')).toBe(3);
  });

  test('a charge whose call is never answered is found with the same key and not made twice', async () => {
    const { id } = await pay(desk);
    desk.gateway.limitMs = 20;
    await process(desk, id, 'timeout');
    await desk.runner.round();
    expect(await desk.status(id)).toBe('processing');
    expect((await chargesOf(desk, id))[0]?.state).toBe('authorized');
    desk.gateway.limitMs = 5000;
    await reconcile();
    expect([await desk.status(id), await desk.announced(id)]).toEqual(['authorized', ['authorized']]);
    expect(await chargesOf(desk, id)).toHaveLength(1);
  });

  // Each step that writes or asks, in the order in which a payment goes through them.
  test.each([
    ['the order is taken', 'operations', 'claim'],
    ['the payment of an order is read', 'operations', 'payment'],
    ['the provider has answered', 'settlement', 'answered'],
    ['the consequences of a confirmation are drawn', 'operations', 'paymentsOf'],
    ['a confirmation is ticked off', 'operations', 'close'],
  ] as const)(
    'a process that dies as %s: another one goes on, and there is one outcome',
    async (_when, part, method) => {
      const { id, reservation } = await pay(desk);
      await process(desk, id);
      const own = desk[part] as unknown as Record<string, (...input: unknown[]) => Promise<unknown>>;
      const work = own[method]?.bind(own) as (...input: unknown[]) => Promise<unknown>;
      for (const when of ['before', 'after']) {
        own[method] = async (...input) => {
          own[method] = work;
          if (when === 'after') await work(...input);
          throw new Error('killed');
        };
        for (let i = 0; i < 2; i += 1) await desk.round().catch(() => undefined);
        await reconcile();
        if (when === 'before') await desk.hear(desk.reservations.end(reservation.id, 'confirmed', id));
      }
      await reconcile();
      expect(await desk.status(id)).toBe('completed');
      expect(await chargesOf(desk, id)).toEqual([{ state: 'captured', captured: 8000, refunded: 0 }]);
      expect(await desk.announced(id)).toEqual(['authorized']);
    },
  );

  test('what the provider has not kept by its key is looked for, and not sent again after its day', async () => {
    const { id } = await pay(desk);
    await process(desk, id);
    lossy.next.push('there');
    await desk.runner.round();
    desk.clock.at += 21 * 3_600_000;
    await desk.runner.round();
    expect(await desk.status(id)).toBe('failed');
    expect(lossy.keys).toHaveLength(1);
  });
});
