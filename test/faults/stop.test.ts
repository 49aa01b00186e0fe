import { type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { request } from 'undici';
import { type AppProcess, startApp } from '../support/app';

// Nobody who holds a connection, a stream or half a message keeps a process from leaving in order, with exit 0.

let app: AppProcess;
const left: (() => void)[] = [];

beforeEach(async () => {
  app = await startApp({ env: { SHUTDOWN_DRAIN_MS: '300' } });
});
afterEach(async () => {
  for (const leave of left.splice(0)) leave();
  await app[Symbol.asyncDispose]();
});

/** A gRPC call with these bytes of a body, which goes on unless it is `whole`. */
async function call(path: string, body: Buffer, whole = false): Promise<ClientHttp2Stream> {
  const session = connectHttp2(app.grpcUrl.replace('grpc:', 'http:'));
  session.on('error', () => undefined);
  left.push(() => session.destroy());
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request(headers);
  stream.on('error', () => undefined).resume();
  stream.write(body);
  if (whole) stream.end();
  // A round trip: the server has it.
  await new Promise((resolve) => session.ping(() => resolve(undefined)));
  return stream;
}

const grpc = (text: string): Promise<void> => send(Number(app.grpcUrl.split(':').at(-1)), text, true);
const http = (text: string, read: boolean): Promise<void> => send(Number(new URL(app.url).port), text, read);

/** Connects, sends this and leaves the connection open. */
async function send(port: number, text: string, read: boolean): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  left.push(() => socket.destroy());
  if (read) socket.resume();
  else socket.pause();
  await new Promise((resolve) => socket.once('connect', resolve));
  if (text !== '') await new Promise((resolve) => socket.write(text, resolve));
}

const empty = Buffer.from([0, 0, 0, 0, 0]);
const half = Buffer.from([0, 0, 0, 1, 0, 10]);
const daily = Buffer.from([0, 0, 0, 0, 7, 10, 5, 100, 97, 105, 108, 121]);
const v1 = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
const listServices = Buffer.from([0, 0, 0, 0, 2, 0x3a, 0]);

test.each<[string, () => Promise<unknown>]>([
  ['watches health', () => call('/grpc.health.v1.Health/Watch', empty, true)],
  ['holds a reflection stream', () => call(v1, listServices)],
  ['has opened a reflection stream and said nothing', () => call(v1, Buffer.alloc(0))],
  ['watches a leaderboard', () => call('/aerie.leaderboard.v1.LeaderboardService/WatchLeaderboard', daily, true)],
  ['holds a stream of events', () => call('/aerie.events_gateway.v1.EventsGatewayService/IngestStream', half)],
  ['has sent half a call', () => call('/aerie.auth.v1.AuthService/Login', half)],
  ['has sent half a head', () => http('GET /health/live HTTP/1.1\r\nHo', true)],
  [
    'has sent half a body',
    () => http(`POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`, true),
  ],
  ['is silent on an open connection', () => http('GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n', true)],
  ['has connected to gRPC and said nothing', () => grpc('')],
  ['has sent half of what HTTP/2 begins with', () => grpc('PRI * HT')],
  ['has connected and said nothing', () => http('', true)],
  ['does not read', () => http('GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(10), false)],
])('a peer that %s keeps nobody', async (_name, begin) => {
  for (let i = 0; i < 3; i += 1) await begin();
  expect((await request(`${app.url}/health/live`)).statusCode).toBe(200);
  expect(await app.stop()).toBe(0);
  expect(app.stdout()).not.toMatch(/stop_failed|uncaught|"level":"error"/);
});

test('whoever watches is told to go elsewhere as soon as the process leaves', async () => {
  const stream = await call('/grpc.health.v1.Health/Watch', empty, true);
  const trailers = new Promise<Record<string, unknown>>((resolve) => stream.once('trailers', resolve));
  const stopped = app.stop();
  expect((await trailers)['grpc-status']).toBe('14');
  expect(await stopped).toBe(0);
});
