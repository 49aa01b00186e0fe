import { ulid } from 'ulid';
import { request } from 'undici';
import { queueContract as queue } from '../../../src/features/queue/queue.api';
import { queuePages } from '../../../src/features/queue/queue.stream.controller';
import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import { reservationsPages } from '../../../src/features/reservations/reservations.stream.controller';
import { fromGrpcError } from '../../../src/shared/contract/grpc.status';
import { type DatabaseKind, everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { metricSum } from '../../support/metrics';
import { documentOf, operationIn } from '../../support/openapi';
import { openApp } from '../../support/wires';

// Those who watch a place in a waiting room when there are too many of them, and what the document says of it.

const [sqlite] = everyDatabase as [DatabaseKind, ...DatabaseKind[]];

test('one too many from an address is told when to come again, on either wire', async () => {
  await using database = await sqlite.create();
  await using app = await openApp(database.url, { QUEUE_WATCHERS_PER_ADDRESS_MAX: '1' });
  const sections = [{ sectionId: 'floor', price: 0, capacity: 1, seats: [] }];
  const sale = { saleId: 'crowded', title: 'Crowded', currency: 'EUR', opensAt: '2026-01-01T00:00:00Z', queue: {} };
  await app.http.call(reservations, 'createSale', { ...sale, sections }, { 'idempotency-key': ulid() });
  const { ticket } = (await app.http.call(queue, 'joinQueue', { saleId: 'crowded' })).body;
  const url = `${app.url}/queue/stream?ticket=${String(ticket)}`;
  const first = await request(url);
  const second = await request(url);
  expect([second.statusCode, second.headers['retry-after']]).toEqual([429, '10']);
  expect(await second.body.json()).toMatchObject({ code: 'rate_limited' });
  const { path, requestSerialize, responseDeserialize } = app.grpc.method(queue, 'watchQueue');
  const stream = app.grpc.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { ticket });
  const refused = await new Promise((resolve) => stream.on('data', resolve).on('error', resolve));
  const error = fromGrpcError(refused as Parameters<typeof fromGrpcError>[0]);
  expect([error?.code, error?.details.retryAfterMs]).toEqual(['rate_limited', 10_000]);
  first.body.destroy();
  await eventually(async () => expect(await metricSum(app.url, 'queue_watchers ')).toBe(0));
});

test('the document says of each stream that it may be refused, and when to come again', async () => {
  await using database = await sqlite.create();
  await using app = await openApp(database.url);
  const document = await documentOf(app.url);
  for (const page of [...queuePages, ...reservationsPages]) {
    const { responses } = operationIn(document, page);
    expect(responses[404]?.description).toMatch(/_not_found$/);
    expect(responses[429]).toMatchObject({ description: 'rate_limited', headers: { 'Retry-After': {} } });
  }
});
