import { ulid } from 'ulid';
import { request } from 'undici';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { queueContract as queue } from '../../../src/features/queue/queue.api';
import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import type { Session } from '../../../src/generated/aerie/auth/v1/auth';
import type { AnyContract } from '../../../src/shared/contract/contract';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { metricSum } from '../../support/metrics';
import { openApp, type TestApp, type Wire } from '../../support/wires';

// A waiting room before the real reservations, over both wires: join, be called, enter, reserve, buy, and the next one.

const internal = 'an-internal-secret-of-32-bytes-or-more';
const operator = { authorization: `Bearer ${internal}` };

interface Guest {
  readonly wire: Wire;
  readonly headers: Record<string, string>;
}

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, { INTERNAL_API_SECRET: internal, AUTH_REQUIRED: 'true' });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  async function guest(wire: Wire, name: string): Promise<Guest> {
    const person = { name, email: `${name}-${ulid()}@example.com`, password: 'correct horse' };
    const { accessToken } = (await wire.call(auth, 'register', person)).body as unknown as Session;
    return { wire, headers: { authorization: `Bearer ${accessToken}` } };
  }

  const call = ({ wire, headers }: Guest, contract: AnyContract, method: string, message: object) =>
    wire.call(contract, method, message, { ...headers, 'idempotency-key': ulid() });
  const statusOf = async (wire: Wire, ticket: unknown) => (await wire.call(queue, 'getQueueStatus', { ticket })).body;
  const become = (wire: Wire, ticket: unknown, status: string) =>
    eventually(async () => expect(await statusOf(wire, ticket)).toMatchObject({ status }));

  async function sale(rules: object = {}): Promise<string> {
    const saleId = `sale-${ulid().toLowerCase()}`;
    const request = {
      ...{ saleId, title: 'A drop', currency: 'EUR', opensAt: '2020-01-01T00:00:00Z' },
      queue: { activePlaces: 1, readySeconds: 600, grantSeconds: 600, ...rules },
      sections: [{ sectionId: 'floor', price: 0, capacity: 10, seats: [] }],
    };
    expect((await app.http.call(reservations, 'createSale', request, operator)).code).toBe('ok');
    return saleId;
  }

  test.each(['http', 'grpc'] as const)('join, ready, enter, reserve, confirm, done, next; over %s', async (name) => {
    const wire = app[name];
    const saleId = await sale();
    const [ada, bob] = [await guest(wire, 'ada'), await guest(wire, 'bob')];
    const first = (await call(ada, queue, 'joinQueue', { saleId })).body;
    const second = (await call(bob, queue, 'joinQueue', { saleId })).body;
    expect([first.number, second.number]).toEqual([1, 2]);
    await become(wire, first.ticket, 'ready');
    expect(await call(bob, queue, 'requestAdmission', { ticket: second.ticket })).toMatchObject({
      ...{ code: 'not_ready', retryAfter: true },
    });
    expect(await call(bob, queue, 'requestAdmission', { ticket: first.ticket })).toMatchObject({
      ...{ code: 'queue_ticket_not_found' },
    });
    const { grant } = (await call(ada, queue, 'requestAdmission', { ticket: first.ticket })).body;
    const items = [{ sectionId: 'floor', quantity: 2, seatIds: [] }];
    expect((await call(bob, reservations, 'createReservation', { saleId, items, grant })).code).toBe('grant_invalid');
    const { id } = (await call(ada, reservations, 'createReservation', { saleId, items, grant })).body;
    expect((await call(ada, reservations, 'confirmReservation', { id })).code).toBe('ok');
    await become(wire, first.ticket, 'done');
    await become(wire, second.ticket, 'ready');
    // The hold is given back: the ticket is over, and nobody holds its place.
    const again = (await call(bob, queue, 'requestAdmission', { ticket: second.ticket })).body;
    const held = (await call(bob, reservations, 'createReservation', { saleId, items, grant: again.grant })).body;
    expect((await call(bob, reservations, 'cancelReservation', { id: held.id })).code).toBe('ok');
    await become(wire, second.ticket, 'expired');
    const stats = (await wire.call(queue, 'getQueueStats', { saleId }, operator)).body;
    expect(stats).toMatchObject({ activePlaces: 1, taken: 0, waiting: 0, done: 1, expired: 1 });
    expect((await wire.call(queue, 'getQueueStats', { saleId }, ada.headers)).code).toBe('forbidden');
    expect((await wire.call(queue, 'getDraw', { saleId })).body).toMatchObject({
      joins: [{ number: 1 }, { number: 2 }],
    });
  });

  test('streams of both wires tell each change until the ticket has ended', async () => {
    const saleId = await sale({ activePlaces: 2 });
    const ada = await guest(app.http, 'ada');
    const { ticket } = (await call(ada, queue, 'joinQueue', { saleId })).body;
    const { body, headers } = await request(`${app.url}/queue/stream?ticket=${String(ticket)}`);
    expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
    const seen: string[] = [];
    const definition = app.grpc.method(queue, 'watchQueue');
    const stream = app.grpc.client.makeServerStreamRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      { ticket },
    );
    stream.on('data', (status: { status: string }) => seen.push(status.status));
    // The end of the call; its data has been read by then.
    stream.on('error', () => undefined);
    await become(app.http, ticket, 'ready');
    await eventually(async () => expect(seen.at(-1)).toBe('ready'));
    expect((await app.http.call(queue, 'leaveQueueByBeacon', { ticket })).body).toEqual({ status: 'left' });
    const text = await body.text();
    expect(text).toContain('"status":"ready"');
    expect(text.trimEnd().endsWith('event: done\ndata: {}')).toBe(true);
    await eventually(async () => expect(seen.at(-1)).toBe('left'));
    stream.cancel();
  });

  test('who gives a ticket up says so with DELETE or POST, and what is no ticket is refused', async () => {
    const saleId = await sale({ activePlaces: 2 });
    const { ticket } = (await call(await guest(app.http, 'ada'), queue, 'joinQueue', { saleId })).body;
    const url = `${app.url}/queue/leave?ticket=${String(ticket)}`;
    expect(await (await request(url, { method: 'DELETE' })).body.json()).toEqual({ status: 'left' });
    expect(await (await request(url, { method: 'POST' })).body.json()).toEqual({ status: 'left' });
    for (const wire of [app.http, app.grpc]) {
      expect((await wire.call(queue, 'getQueueStatus', { ticket: 'x' })).code).toBe('validation_failed');
      const unknown = await wire.call(queue, 'getQueueStatus', { ticket: 'A'.repeat(43) });
      expect(unknown.code).toBe('queue_ticket_not_found');
    }
  });

  test('the metrics tell of it', async () => {
    expect(await metricSum(app.url, 'queue_admissions_total')).toBeGreaterThanOrEqual(4);
    expect(await metricSum(app.url, 'queue_operations_total{operation="join",status="ok"}')).toBeGreaterThan(0);
    expect(await metricSum(app.url, 'queue_wait_seconds_count')).toBeGreaterThanOrEqual(4);
    await eventually(async () => expect(await metricSum(app.url, 'queue_waiting')).toBe(0));
  });
});
