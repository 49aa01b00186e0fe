import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { request } from 'undici';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { fromGrpcError } from '../../../src/shared/contract/grpc.status';
import { newTraceId, traceIdFrom } from '../../../src/shared/tracing/trace-id';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// SPEC 0: traceparent first (https://www.w3.org/TR/trace-context/), else X-Trace-ID, else new; echoed on both wires.

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${trace}-00f067aa0ba902b7-01`;
const made = /^[0-9a-f]{32}$/;

const kept: [string, Record<string, string>, string][] = [
  ['traceparent', { traceparent }, trace],
  ['traceparent before X-Trace-ID', { traceparent, 'x-trace-id': 'mine' }, trace],
  ['X-Trace-ID', { 'x-trace-id': 'Order_66.retry-2' }, 'Order_66.retry-2'],
  ['X-Trace-ID when traceparent is no such thing', { traceparent: 'x', 'x-trace-id': 'mine' }, 'mine'],
  ['X-Trace-ID in capitals, as if in small letters', { 'x-trace-id': trace.toUpperCase() }, trace],
  ['X-Trace-ID that is no hexadecimal number, as it is', { 'x-trace-id': `${'A'.repeat(31)}Z` }, `${'A'.repeat(31)}Z`],
  [
    'X-Trace-ID when traceparent is all zeros',
    { traceparent: traceparent.replace(trace, '0'.repeat(32)), 'x-trace-id': 'mine' },
    'mine',
  ],
];

const replaced: [string, Record<string, string>][] = [
  ['nothing', {}],
  ['an upper-case traceparent', { traceparent: traceparent.toUpperCase() }],
  ['a traceparent with more behind it', { traceparent: `${traceparent}-x` }],
  ['a space', { 'x-trace-id': 'a b' }],
  ['65 characters', { 'x-trace-id': 'a'.repeat(65) }],
  ['an X-Trace-ID of zeros alone', { 'x-trace-id': '0'.repeat(32) }],
  ['markup', { 'x-trace-id': '<script>' }],
  ['what would end a log line', { 'x-trace-id': 'a","level":"fatal' }],
  ['a path', { 'x-trace-id': '../../etc/passwd' }],
];

test('new ids are 32 hexadecimal digits and never the same', () => {
  const ids = Array.from({ length: 10_000 }, newTraceId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(made);
  // Nobody can tell from two of them how many there were in between.
  for (const half of [ids.map((id) => id.slice(0, 8)), ids.map((id) => id.slice(-8))])
    expect(new Set(half).size).toBeGreaterThan(9900);
});

test.each([undefined, ['a', 'b'], 7, Buffer.from('a'), '', 'a\nb', 'é'])('%j is replaced, not refused', (value) => {
  expect(traceIdFrom(value, value)).toMatch(made);
});

describe('over the wire', () => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
    app = await openApp(database.url);
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  async function overHttp(path: string, headers: Record<string, string>): Promise<[unknown, unknown]> {
    const answer = await request(app.url + path, { headers });
    const body = (await answer.body.json()) as { trace_id?: string };
    return [answer.headers['x-trace-id'], body.trace_id];
  }

  interface Answered {
    /** What the headers or, where there were none, the trailers say. */
    readonly traceId: unknown;
    readonly error: ServiceError | null;
  }

  function overGrpc(method: string, message: object, headers: Record<string, string>): Promise<Answered> {
    const { path, requestSerialize, responseDeserialize } = app.grpc.method(gateway, method);
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return new Promise((resolve) => {
      let error: ServiceError | null = null;
      let traceId: unknown;
      app.grpc.client
        .makeUnaryRequest(path, requestSerialize, responseDeserialize, message, metadata, (failed) => {
          error = failed;
        })
        .on('metadata', (sent) => {
          traceId = sent.get('x-trace-id')[0];
        })
        .on('status', (status) =>
          setImmediate(() => resolve({ error, traceId: traceId ?? status.metadata.get('x-trace-id')[0] })),
        );
    });
  }

  const question = { consumer: 'progression' };

  test.each(kept)('%s is echoed', async (_name, headers, id) => {
    expect(await overHttp('/events/head?consumer=progression', headers)).toEqual([id, undefined]);
    expect((await overGrpc('getHead', question, headers)).traceId).toBe(id);
  });

  test.each(kept)('%s is echoed with an error, and over HTTP in its body', async (_name, headers, id) => {
    expect(await overHttp('/events/head?consumer=x', headers)).toEqual([id, id]);
    expect(await overHttp('/nowhere', headers)).toEqual([id, id]);
    const { traceId, error } = await overGrpc('getHead', { consumer: 'x' }, headers);
    expect(error && fromGrpcError(error)).toMatchObject({ code: 'validation_failed' });
    expect(traceId).toBe(id);
  });

  test.each(replaced)('%s is replaced by a new id', async (_name, headers) => {
    const [header, inBody] = await overHttp('/events/head?consumer=x', headers);
    expect(header).toMatch(made);
    expect(inBody).toBe(header);
    const { traceId } = await overGrpc('getHead', question, headers);
    expect(traceId).toMatch(made);
    expect(traceId).not.toBe(header);
  });

  test('a hot route echoes it, too', async () => {
    const { id, timestamp, signatures, body } = signed('traced', eventBody());
    const headers = {
      'content-type': 'application/json',
      'idempotency-key': id,
      'x-signature': `t=${timestamp},v1=${signatures[0]}`,
      traceparent,
    };
    const answer = await request(`${app.url}/events`, { method: 'POST', headers, body });
    await answer.body.dump();
    expect([answer.statusCode, answer.headers['x-trace-id']]).toEqual([202, trace]);
    expect((await overGrpc('ingest', signed('traced-2', eventBody()), { traceparent })).traceId).toBe(trace);
  });
});
