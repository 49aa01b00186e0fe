import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { ulid } from 'ulid';
import { request } from 'undici';
import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import { fromGrpcError } from '../../../src/shared/contract/grpc.status';
import { type DatabaseKind, everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { metricSum } from '../../support/metrics';
import { openApp, type TestApp } from '../../support/wires';

// A reservation is watched over both wires, by whose it is and by nobody else, until it has ended.

const internal = 'an-internal-secret-of-32-bytes-or-more';
const [sqlite] = everyDatabase as [DatabaseKind, ...DatabaseKind[]];
const as = (user: string) => ({ authorization: `Bearer ${internal}`, 'x-aerie-subject': user });
let database: TestDatabase;
let app: TestApp;
let id: string;

const call = async (method: string, message: object, headers: Record<string, string>) =>
  (await app.http.call(reservations, method, message, { ...headers, 'idempotency-key': ulid() })).body;
const open = (user: string) => request(`${app.url}/reservations/${id}/stream`, { headers: as(user) });

function watch(user: string) {
  const { path, requestSerialize, responseDeserialize } = app.grpc.method(reservations, 'watchReservation');
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(as(user))) metadata.set(name, value);
  const seen: string[] = [];
  const stream = app.grpc.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { id }, metadata);
  stream.on('data', ({ status }: { status: string }) => seen.push(status));
  const errors: ServiceError[] = [];
  stream.on('error', (error: ServiceError) => {
    errors.push(error);
    seen.push(`grpc ${error.code}`);
  });
  return { seen, errors, stream };
}

beforeAll(async () => {
  database = await sqlite.create();
  app = await openApp(database.url, {
    INTERNAL_API_SECRET: internal,
    AUTH_REQUIRED: 'true',
    RESERVATION_WATCHERS_MAX: '2',
  });
  const sections = [{ sectionId: 'floor', price: 100, capacity: 5 }];
  const sale = { saleId: 'watched', title: 'Watched', currency: 'EUR', opensAt: '2026-01-01T00:00:00Z', sections };
  await call('createSale', { ...sale, holdSeconds: 900 }, { authorization: `Bearer ${internal}` });
  const items = [{ sectionId: 'floor', quantity: 1, seatIds: [] }];
  id = String((await call('createReservation', { saleId: 'watched', items }, as('ada'))).id);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test("another's is not there, on either wire", async () => {
  const { statusCode, body } = await open('eve');
  // Before the body, which would not end if there were one.
  expect(statusCode).toBe(404);
  expect(await body.json()).toMatchObject({ code: 'reservation_not_found' });
  const { seen } = watch('eve');
  await eventually(async () => expect(seen).toEqual(['grpc 5']));
});

test('whom there is no place for is told when to come again, on either wire', async () => {
  const taken = [await open('ada'), await open('ada')];
  const { statusCode, headers, body } = await open('ada');
  expect([statusCode, headers['retry-after']]).toEqual([429, '10']);
  expect(await body.json()).toMatchObject({ code: 'rate_limited' });
  const { seen, errors } = watch('ada');
  await eventually(async () => expect(seen).toEqual(['grpc 8']));
  expect(errors.map((error) => fromGrpcError(error)?.details.retryAfterMs)).toEqual([10_000]);
  for (const one of taken) one.body.destroy();
  await eventually(async () => expect(await metricSum(app.url, 'reservation_watchers ')).toBe(0));
});

test('a stream says at its beginning when to come back, each at another time', async () => {
  const said = new Set<number>();
  for (let i = 0; i < 6; i += 1) {
    const { body } = await open('ada');
    for await (const chunk of body) {
      const retry = /^retry: (\d+)\n\n/.exec(String(chunk))?.[1];
      said.add(Number(retry));
      break;
    }
    await eventually(async () => expect(await metricSum(app.url, 'reservation_watchers ')).toBe(0));
  }
  for (const when of said) expect([2, 3, 4, 5]).toContain(Math.floor(when / 1000));
  // Six of three thousand are the same hardly ever.
  expect(said.size).toBeGreaterThan(1);
});

test('each change is told on both wires, and the last one ends the events', async () => {
  const events = await open('ada');
  expect(events.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  const { seen, stream } = watch('ada');
  await eventually(async () => expect(seen).toEqual(['held']));
  expect((await call('cancelReservation', { id }, as('ada'))).status).toBe('cancelled');
  const text = await events.body.text();
  expect([...text.matchAll(/"status":"(\w+)"/g)].map(([, status]) => status).at(-1)).toBe('cancelled');
  expect(text.trimEnd().endsWith('event: done\ndata: {}')).toBe(true);
  await eventually(async () => expect(seen).toEqual(['held', 'cancelled']));
  stream.cancel();
});
