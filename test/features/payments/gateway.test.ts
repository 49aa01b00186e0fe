import type { PaymentProvider } from '../../../src/features/payments/payments.provider';
import { everyDatabase } from '../../support/databases';
import { openDesk, pay, process } from './desk';

// A provider that does not answer is left alone for a while, and says so; payments wait, and go on when it is back.

const [sqlite] = everyDatabase;

test('silent five times in a row it rests, readiness is degraded, and afterwards each order is done once', async () => {
  await using database = await sqlite!.create();
  let isBack = false;
  let asked = 0;
  await using desk = await openDesk(database.url, {
    provider: (simulator) =>
      Object.assign(Object.create(simulator) as PaymentProvider, {
        authorize: (...input: Parameters<PaymentProvider['authorize']>) => {
          asked += 1;
          return isBack ? simulator.authorize(...input) : new Promise(() => undefined);
        },
        find: async () => undefined,
      }),
  });
  desk.gateway.limitMs = 10;
  const ids: string[] = [];
  for (let i = 0; i < 8; i += 1) {
    const { id } = await pay(desk);
    ids.push(id);
    await process(desk, id);
    await desk.runner.round();
  }
  expect(asked).toBe(5);
  const check = () => desk.checks[0]?.();
  expect(await check()).toEqual({ status: 'degraded', reason: 'simulator does not answer; payments wait' });
  expect(await desk.metric('payments_provider_requests_total', 'silent')).toBe(5);
  expect(await desk.metric('payments_provider_requests_total', 'resting')).toBe(3);
  for (const id of ids) expect(await desk.status(id)).toBe('processing');
  // What was not sent was no try: it is due again at once.
  const tries = await desk.db.read((sql) =>
    sql.rows<{ tries: number }>('SELECT tries FROM payments_operations ORDER BY seq'),
  );
  expect(tries.map((one) => one.tries)).toEqual([1, 1, 1, 1, 1, 0, 0, 0]);
  isBack = true;
  desk.gateway.limitMs = 5000;
  // It is tried again when it has rested, on a clock of its own.
  for (let i = 0; i < 2000 && (await desk.status(ids[0] ?? '')) !== 'authorized'; i += 1) {
    desk.clock.at += 31_000;
    await desk.runner.round();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (let i = 0; i < 3; i += 1) {
    desk.clock.at += 31_000;
    await desk.runner.round();
  }
  for (const id of ids) expect(await desk.announced(id)).toEqual(['authorized']);
  expect(await check()).toEqual({ status: 'healthy' });
});
