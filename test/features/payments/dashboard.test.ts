import { ulid } from 'ulid';
import { paymentsContract as payments } from '../../../src/features/payments/payments.api';
import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import {
  dashboardAt,
  expectAnswered,
  expectComplete,
  expectWellMade,
  type Samples,
  samplesOf,
  targetsOf,
} from '../../support/grafana';
import { openApp } from '../../support/wires';

// docker/grafana/ticketing.json asks for what the application really tells.

/** A sale in which somebody buys and somebody is refused; answers /metrics after it. */
async function afterSale(): Promise<Samples> {
  await using database = await everyDatabase[0]!.create();
  await using app = await openApp(database.url, {});
  const saleId = 'shown';
  const ask = async (contract: typeof payments | typeof reservations, method: string, message: object) =>
    (await app.http.call(contract, method, message, { 'idempotency-key': ulid() })).body;
  const sections = [{ sectionId: 'floor', price: 100, capacity: 1 }];
  await ask(reservations, 'createSale', {
    saleId,
    title: 'Shown',
    currency: 'EUR',
    opensAt: '2026-01-01T00:00:00Z',
    sections,
  });
  const items = [{ sectionId: 'floor', quantity: 1, seatIds: [] }];
  const { id } = await ask(reservations, 'createReservation', { saleId, items });
  await ask(reservations, 'createReservation', { saleId, items });
  const payment = await ask(payments, 'createPayment', { reservationId: id });
  await ask(payments, 'processPayment', { id: payment.id, method: 'approve' });
  let told = '';
  await eventually(async () => {
    expect((await ask(payments, 'getPayment', { id: payment.id })).status).toBe('completed');
    told = await (await fetch(`${app.url}/metrics`)).text();
    // All that is announced is known by who has heard it.
    expect(told).toMatch(/^outbox_waiting\{feature="payments",consumer="reservations"/m);
  });
  return samplesOf(told);
}

const dashboard = dashboardAt('ticketing.json');
let samples: Samples;

beforeAll(async () => {
  samples = await afterSale();
});

test.each(targetsOf(dashboard))('$title, $refId: $expr', (target) => expectAnswered(target, samples));

test('no metric of reservations and payments is left out', () =>
  expectComplete(
    dashboard,
    samples,
    /^(reservations?_(?!(cancel|confirm|create|extend|get|list|verify))|payments_(total|provider|reconciled)|sale_)/,
  ));

test('each panel has a title, words and a unit, on a place of its own', () => {
  expect(dashboard).toMatchObject({ title: 'Aerie: ticketing', uid: 'aerie-ticketing' });
  expectWellMade(dashboard, samples);
});
