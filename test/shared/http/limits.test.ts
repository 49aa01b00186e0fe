import { connect } from 'node:net';
import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { request } from 'undici';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { progressionContract as progression } from '../../../src/features/progression/progression.api';
import { Peers } from '../../../src/shared/connections/peers';
import { fromGrpcError } from '../../../src/shared/contract/grpc.status';
import { RouteTable } from '../../../src/shared/contract/route-table';
import { grpcInterceptor } from '../../../src/shared/grpc/grpc.interceptor';
import type { GrpcMetrics } from '../../../src/shared/grpc/grpc.metrics';
import { SilentTracing } from '../../../src/shared/tracing/tracing';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// SPEC 0: header and metadata 16 KiB; headers 5 s, handler 5 s, gRPC unary 5 s unless told, 10 s at most.

const question = { consumer: 'progression' };
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Raw {
  readonly status: number;
  readonly headers: string;
  readonly body: { error: string; code: string; message: string; trace_id: string };
}

/** Sends these very bytes and reads until the server closes. */
function raw(port: number, ...parts: (string | Buffer)[]): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n');
      const code = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
      resolve({ status: code, headers: head.toLowerCase(), body: JSON.parse(body || '{}') as Raw['body'] });
    });
    for (const part of parts) socket.write(part);
  });
}

describe('of the application', () => {
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
  const port = () => Number(new URL(app.url).port);

  function inOneShape({ headers, body }: Raw): void {
    expect(Object.keys(body)).toEqual(['error', 'code', 'message', 'trace_id']);
    expect(headers).toContain('content-type: application/json');
    expect(headers).toContain('connection: close');
    expect(headers).toContain(`x-trace-id: ${body.trace_id}`);
  }

  test.each([
    ['gRPC: metadata in one value', { 'x-large': 'x'.repeat(17 * 1024) }],
    ['in many values', Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`x-${i}`, 'x'.repeat(450)]))],
  ])('%s over 16 KiB is refused as RESOURCE_EXHAUSTED', async (_name, headers) => {
    for (const [contract, method, message] of [
      [gateway, 'getHead', question],
      [gateway, 'ingest', signed('metadata', eventBody())],
      [progression, 'verifyReward', { receipt: 'x' }],
    ] as const)
      expect(await app.grpc.call(contract, method, message, headers)).toMatchObject({
        status: status.RESOURCE_EXHAUSTED,
        code: 'body_too_large',
      });
    const metrics = await (await request(`${app.url}/metrics`)).body.text();
    expect(metrics).toMatch(/^grpc_server_handled_total\{.*"VerifyReward",grpc_code="RESOURCE_EXHAUSTED"\} [12]$/m);
    expect((await app.grpc.call(gateway, 'getHead', question, { 'x-large': 'x'.repeat(15_000) })).code).toBe('ok');
  });

  test('gRPC: a message over 288 KiB is refused, and the next call is served', async () => {
    const outcome = await app.grpc.call(gateway, 'ingest', signed('large', 'x'.repeat(300 * 1024)));
    expect(outcome.status).toBe(status.RESOURCE_EXHAUSTED);
    expect((await app.grpc.call(gateway, 'getHead', question)).code).toBe('ok');
  });

  test('HTTP: headers over 16 KiB are refused in the one shape', async () => {
    const large = `x-large: ${'x'.repeat(17 * 1024)}\r\n`;
    const answer = await raw(port(), `GET /health/live HTTP/1.1\r\nHost: a\r\n${large}\r\n`);
    expect([answer.status, answer.body.code]).toEqual([431, 'validation_failed']);
    inOneShape(answer);
    const fits = `x-large: ${'x'.repeat(15 * 1024)}\r\nConnection: close\r\n`;
    expect((await raw(port(), `GET /health/live HTTP/1.1\r\nHost: a\r\n${fits}\r\n`)).status).toBe(200);
  });

  test.each([
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['TLS on the plain port', Buffer.from('16030100c8010000c40303', 'hex')],
    ['a header without a name', 'GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n'],
    ['two lengths', 'POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx'],
    [
      'length and chunks',
      'POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a negative length', 'POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n'],
    ['a control character in a header', 'GET /health/live HTTP/1.1\r\nHost: a\r\nx-a: a\u0001b\r\n\r\n'],
    ['another protocol', 'GET / SPDY/3\r\nHost: a\r\n\r\n'],
  ])('HTTP: %s is refused in the one shape', async (_name, bytes) => {
    const answer = await raw(port(), bytes);
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    inOneShape(answer);
  });

  test('HTTP: headers that do not come within 5 s, a body within 15 s, are answered 408 and the connection is closed', async () => {
    const order: string[] = [];
    const ended = async (name: string, ...parts: string[]): Promise<void> => {
      const answer = await raw(port(), ...parts);
      expect([answer.status, answer.body.code]).toEqual([408, 'deadline_exceeded']);
      inOneShape(answer);
      order.push(name);
    };
    const line = 'POST /events HTTP/1.1\r\nHost: a\r\n';
    await Promise.all([
      ended('body', `${line}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{`),
      ended('headers', `${line}x-slow: `),
    ]);
    expect(order).toEqual(['headers', 'body']);
  });

  test('HTTP: a body may take longer than a handler: that limit is 15 s', async () => {
    const { id, timestamp, signatures, body } = signed('slow-body', eventBody());
    const head = [
      'POST /events HTTP/1.1',
      'Host: a',
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      `Idempotency-Key: ${id}`,
      `X-Signature: t=${timestamp},v1=${signatures[0]}`,
    ];
    const slow = connect(port(), '127.0.0.1');
    let answer = '';
    slow.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    const closed = new Promise((resolve) => slow.once('close', resolve));
    slow.write(`${head.join('\r\n')}\r\n\r\n`);
    slow.write(body.subarray(0, 10));
    await sleep(6000);
    slow.write(body.subarray(10));
    await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 202 /);
  });
});

describe('of a gRPC call that is never answered', () => {
  const identity = (bytes: Buffer): Buffer => bytes;
  const kinds = {
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
  const unary = { path: '/test.Silence/Ask', requestStream: false, responseStream: false, ...kinds };
  const talk = { path: '/test.Silence/Talk', requestStream: true, responseStream: true, ...kinds };
  const nobody = { begin: () => () => undefined } as unknown as GrpcMetrics;
  const leaving = new AbortController();
  const failures: unknown[] = [];
  let server: Server;
  let client: Client;

  beforeAll(async () => {
    const interceptor = grpcInterceptor({
      routes: new RouteTable(),
      metrics: nobody,
      peers: new Peers([]),
      tracing: new SilentTracing(),
      admit: () => true,
      draining: leaving.signal,
      failed: (error) => failures.push(error),
    });
    server = new Server({ interceptors: [interceptor] });
    const talks = (call: ServerDuplexStream<Buffer, Buffer>): unknown => call.resume();
    server.addService({ unary, talk }, { unary: () => undefined, talk: talks });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  });
  afterAll(() => {
    client.close();
    server.forceShutdown();
  });

  function ask(deadlineMs?: number): Promise<{ error: ServiceError | null; ms: number }> {
    const began = Date.now();
    const options = deadlineMs === undefined ? {} : { deadline: began + deadlineMs };
    return new Promise((resolve) => {
      client.makeUnaryRequest(unary.path, identity, identity, Buffer.alloc(0), new Metadata(), options, (error) =>
        resolve({ error, ms: Date.now() - began }),
      );
    });
  }

  function open(): { call: ClientDuplexStream<Buffer, Buffer>; ended: Promise<number> } {
    const call = client.makeBidiStreamRequest(talk.path, identity, identity, new Metadata());
    call.resume();
    return { call, ended: new Promise((resolve) => call.on('error', (error: ServiceError) => resolve(error.code))) };
  }

  test('the server ends it after 5 s, after 10 s when the caller would wait longer; a stream goes on', async () => {
    const silent = open();
    const told = open();
    told.call.write(Buffer.from('hello'));
    const order: string[] = [];
    const named = (name: string, deadlineMs?: number) => ask(deadlineMs).finally(() => order.push(name));
    const [unasked, patient, eight] = await Promise.all([
      named('unasked'),
      named('patient', 60_000),
      named('eight', 8000),
    ]);
    for (const { error } of [unasked, patient]) {
      expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
      expect(error && fromGrpcError(error)).toMatchObject({ code: 'deadline_exceeded' });
    }
    expect(eight.error?.code).toBe(status.DEADLINE_EXCEEDED);
    for (const [{ ms }, limit] of [
      [unasked, 5000],
      [eight, 8000],
      [patient, 10_000],
    ] as const)
      expect(ms).toBeGreaterThan(limit - 100);
    expect(order).toEqual(['unasked', 'eight', 'patient']);
    // A stream that has not said anything whole is not a stream yet.
    expect(await silent.ended).toBe(status.DEADLINE_EXCEEDED);
    const going = told.ended.then(() => 'ended');
    expect(await Promise.race([going, sleep(100).then(() => 'goes on')])).toBe('goes on');
    leaving.abort();
    expect(await told.ended).toBe(status.UNAVAILABLE);
    expect(failures).toEqual([]);
  });
});
