import { Metadata } from '@grpc/grpc-js';
import { ulid } from 'ulid';
import { request } from 'undici';
import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import { type DatabaseKind, everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
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
  stream.on('error', ({ code }: { code: number }) => seen.push(`grpc ${code}`));
  return { seen, stream };
}

beforeAll(async () => {
  database = await sqlite.create();
  app = await openApp(database.url, { INTERNAL_API_SECRET: internal, AUTH_REQUIRED: 'true' });
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
