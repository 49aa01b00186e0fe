import { signed } from '../../support/signed';

type Ask = (method: string, message: object, headers?: Record<string, string>) => Promise<Record<string, unknown>>;

const saleId = 'documented';
const operator = (key: string) => ({ 'idempotency-key': key });

/** Every call of reservations, payments and queue: a sale, one who buys and gets the money back, and one who thinks better of it. */
export async function askTicketing(ask: Ask, settled: (check: () => Promise<unknown>) => Promise<void>): Promise<void> {
  const sections = [
    { sectionId: 'floor', price: 100, capacity: 10, seats: [] },
    { sectionId: 'seats', price: 0, seats: ['A1', 'A2'] },
  ];
  await ask('createSale', { saleId, title: 'Documented', currency: 'EUR', opensAt: '2026-01-01T00:00:00Z', sections });
  await ask('getSale', { saleId });
  await ask('listSales', {});
  await ask('updateSale', { saleId, title: 'Documented better' });
  await ask('setSaleState', { saleId, state: 'open' });
  await ask('blockSeats', { saleId, sectionId: 'seats', seatIds: ['A2'] });
  await ask('unblockSeats', { saleId, sectionId: 'seats', seatIds: ['A2'] });
  await ask('getAvailability', { saleId, sectionId: 'seats' });
  await ask('voidGrant', { jti: 'documented', saleId, userId: 'nobody' });
  const items = [{ sectionId: 'floor', quantity: 1, seatIds: [] }];
  const dropped = await ask('createReservation', { saleId, items }, operator('dropped'));
  await ask('extendReservation', { id: dropped.id }, operator('extended'));
  const unpaid = await ask('createPayment', { reservationId: dropped.id }, operator('unpaid'));
  await ask('cancelPayment', { id: unpaid.id }, operator('cancelled'));
  await ask('cancelReservation', { id: dropped.id }, operator('cancelled'));
  const { id } = await ask('createReservation', { saleId, items }, operator('bought'));
  const payment = await ask('createPayment', { reservationId: id }, operator('paid'));
  await ask('processPayment', { id: payment.id, method: 'approve' }, operator('processed'));
  const { ticket } = await ask('confirmReservation', { id, paymentId: payment.id }, operator('confirmed'));
  await ask('verifyTicket', { ticket });
  await settled(async () => {
    const { status } = await ask('getPayment', { id: payment.id });
    if (status !== 'completed') throw new Error(`The payment is ${String(status)}`);
  });
  await ask('getReservation', { id });
  await ask('listReservations', { saleId });
  await ask('listPayments', { reservationId: id });
  await ask('refundPayment', { id: payment.id }, operator('refunded'));
  const data = { kind: 'authorize', state: 'done', paymentId: id, chargeId: 'nobody', key: 'nobody' };
  const event = { id: 'evt_documented', type: 'charge.authorized', data };
  const webhooks = { secret: 'aerie-development-webhooks-do-not-use', spelling: 'webhook' } as const;
  await ask('receiveWebhook', { provider: 'simulator', ...signed('evt_documented', event, webhooks) });
  await ask('auditSale', { saleId });
  await ask('auditPayments', { saleId });
  await askQueue(ask, settled);
}

/** One who waits, enters, and leaves. */
async function askQueue(ask: Ask, settled: (check: () => Promise<unknown>) => Promise<void>): Promise<void> {
  const queued = 'documented-queue';
  const sale = { saleId: queued, title: 'Documented', currency: 'EUR', opensAt: '2026-01-01T00:00:00Z', queue: {} };
  await ask('createSale', { ...sale, sections: [{ sectionId: 'floor', price: 0, capacity: 10, seats: [] }] });
  const { ticket } = await ask('joinQueue', { saleId: queued });
  await settled(async () => {
    const { status } = await ask('getQueueStatus', { ticket });
    if (status !== 'ready') throw new Error(`The ticket is ${String(status)}`);
  });
  await ask('requestAdmission', { ticket });
  await ask('getQueueStats', { saleId: queued });
  await ask('getDraw', { saleId: queued });
  await ask('leaveQueue', { ticket });
  await ask('leaveQueueByBeacon', { ticket });
}
