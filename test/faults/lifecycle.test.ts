import { connect } from 'node:net';
import { request } from 'undici';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { type AppProcess, startApp } from '../support/app';
import { eventually } from '../support/eventually';
import { refuseNobody } from '../support/fairness';
import { createDatabase, type DatabaseServer, startMariadb, startPostgres } from '../support/servers';
import { eventBody, signed } from '../support/signed';
import { GrpcWire, HttpWire } from '../support/wires';

// Issue 2, must hold 7: health that does not lie, and a stop that fails nobody.

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function statusOf(app: AppProcess, path: string): Promise<number> {
  const answer = await request(app.url + path);
  await answer.body.dump();
  return answer.statusCode;
}

async function send(wire: HttpWire | GrpcWire, id: string): Promise<[number, string]> {
  const { status, code } = await wire.call(gateway, 'ingest', signed(id, eventBody()));
  return [status, code];
}

/** Health over gRPC: 1 is SERVING, 2 NOT_SERVING. */
async function grpcHealth(wire: GrpcWire): Promise<number> {
  return new Promise((resolve, reject) => {
    const identity = (bytes: Buffer): Buffer => bytes;
    wire.client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      identity,
      (bytes: Buffer) => bytes[1] ?? 0,
      Buffer.alloc(0),
      (error, answer) => (error ? reject(error) : resolve(answer ?? 0)),
    );
  });
}

describe.each([
  ['postgres', startPostgres],
  ['mysql', startMariadb],
] as const)('%s', (_name, startServer) => {
  let server: DatabaseServer;
  let app: AppProcess;
  let http: HttpWire;
  let grpc: GrpcWire;

  beforeAll(async () => {
    server = await startServer();
    app = await startApp({ databaseUrl: await createDatabase(server.url) });
    await refuseNobody(app.url);
    http = new HttpWire(app.url);
    grpc = new GrpcWire(app.grpcUrl.slice('grpc://'.length));
  });
  afterAll(async () => {
    grpc.close();
    await app[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  async function outage(
    stop: () => Promise<unknown> | unknown,
    resume: () => Promise<unknown> | unknown,
  ): Promise<void> {
    await eventually(async () =>
      expect([await statusOf(app, '/health/ready'), await grpcHealth(grpc)]).toEqual([200, 1]),
    );
    await stop();
    const stopped = Date.now();
    await eventually(async () => expect(await statusOf(app, '/health/ready')).toBe(503));
    await eventually(async () => expect(await grpcHealth(grpc)).toBe(2));
    const during = Array.from({ length: 10 }, (_, i) => send(i % 2 ? http : grpc, `outage-${stopped}-${i}`));
    expect(await statusOf(app, '/health/live')).toBe(200);
    for (const [status, code] of await Promise.all(during))
      expect([[503, 14], 'unavailable']).toEqual([expect.arrayContaining([status]), code]);
    expect(await statusOf(app, '/health/live')).toBe(200);
    await resume();
    await eventually(async () => expect(await statusOf(app, '/health/ready')).toBe(200));
    await eventually(async () => expect((await send(http, `outage-${stopped}-0`))[0]).toBeLessThan(300));
    await eventually(async () => expect(await grpcHealth(grpc)).toBe(1));
  }

  test('killed: readiness says so, events answer 503, and all is well again when it returns', async () => {
    await outage(
      () => server.kill(),
      () => server.restart(),
    );
  });

  test('frozen: the same', async () => {
    await outage(
      () => server.freeze(),
      () => server.resume(),
    );
  });
});

test('a drain under load fails no request and ends with 0, which is before its hard limit', async () => {
  const app = await startApp({ env: { SHUTDOWN_DRAIN_MS: '4000' } });
  await refuseNobody(app.url);
  const http = new HttpWire(app.url);
  const grpc = new GrpcWire(app.grpcUrl.slice('grpc://'.length));
  let stopping = false;
  let away = false;
  const failures: string[] = [];
  let served = 0;
  const client = async (wire: HttpWire | GrpcWire, name: string): Promise<void> => {
    // Who has heard that it is not ready any more goes elsewhere: what the listener has not taken when it closes is reset.
    for (let i = 0; !away; i++) {
      try {
        const [status, code] = await send(wire, `${name}-${i}`);
        if (code !== 'ok' && !(stopping && code.startsWith('grpc 14'))) failures.push(`${status} ${code}`);
        served += 1;
        if (code !== 'ok') return;
      } catch (error) {
        // The listener was closed before this request had a connection. Anything else would be a request that failed.
        if ((error as NodeJS.ErrnoException).syscall !== 'connect') failures.push(String(error));
        return;
      }
    }
  };
  const clients = Array.from({ length: 16 }, (_, i) => client(i % 4 === 0 ? grpc : http, `drain-${i}`));
  await eventually(async () => expect(served).toBeGreaterThan(100));
  stopping = true;
  const exit = app.stop();
  await eventually(async () => expect(await statusOf(app, '/health/ready')).toBe(503));
  expect(await statusOf(app, '/health/live')).toBe(200);
  away = true;
  await Promise.all(clients);
  expect(await exit).toBe(0);
  grpc.close();
  expect(failures).toEqual([]);
  await app[Symbol.asyncDispose]();
});

async function isDraining(app: AppProcess): Promise<void> {
  const answer = await request(`${app.url}/health/live`);
  await answer.body.dump();
  expect(answer.headers.connection).toBe('close');
}

test('while draining every answer closes its connection, and a second signal ends at once', async () => {
  await using app = await startApp({ env: { SHUTDOWN_DRAIN_MS: '5000' } });
  void app.stop();
  await eventually(() => isDraining(app));
  // The same signal at once is taken for an echo, another one never.
  expect(await app.kill('SIGINT')).toBe(1);
});

test('a request that is half sent does not turn a stop into a failure', async () => {
  await using app = await startApp({ env: { SHUTDOWN_DRAIN_MS: '50' } });
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
  socket.on('error', () => socket.destroy());
  socket.write('POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{');
  await sleep(200);
  expect(await app.stop()).toBe(0);
});

test('the same signal half a second later is no echo', async () => {
  await using app = await startApp({ env: { SHUTDOWN_DRAIN_MS: '5000' } });
  void app.stop();
  await eventually(() => isDraining(app));
  await sleep(600);
  expect(await app.kill('SIGTERM')).toBe(1);
});
