import { readdirSync, readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { request } from 'undici';
import { features } from '../../src/features/index';
import { type AppProcess, startApp } from '../support/app';
import { eventually } from '../support/eventually';
import { metricSum } from '../support/metrics';

// What one peer without credentials can do to a process: it must not end, and what it holds for that peer has a bound.

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const mebibyte = 1024 * 1024;
const maxGrowth = 160 * mebibyte;

let app: AppProcess;
let sockets: (Socket | ClientHttp2Session)[] = [];

beforeAll(async () => {
  app = await startApp({
    env: { UNREAD_ANSWER_SECONDS: '3', UNFINISHED_BYTES_MAX: `${16 * mebibyte}`, CONNECTIONS_PER_ADDRESS_MAX: '120' },
  });
});
afterEach(() => {
  for (const each of sockets) each.destroy();
  sockets = [];
});
afterAll(() => app[Symbol.asyncDispose]());

function open(): Socket {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

function openGrpc(): ClientHttp2Session {
  const session = connectHttp2(app.grpcUrl.replace('grpc:', 'http:'));
  session.on('error', () => undefined);
  sockets.push(session);
  return session;
}

function rss(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${app.pid}/status`, 'utf8'))?.[1]) * 1024;
}

const descriptors = (): number => readdirSync(`/proc/${app.pid}/fd`).length;
const metric = (line: string): Promise<number> => metricSum(app.url, line);

async function isAlive(): Promise<void> {
  const { statusCode, body } = await request(`${app.url}/health/live`);
  expect([statusCode, await body.json()]).toEqual([200, { status: 'alive' }]);
}

const routes = [
  ...['/docs', '/docs/swagger-ui-bundle.js', '/docs/openapi.json', '/metrics', '/health/ready', '/nowhere'],
  ...features.flatMap(({ contract }) => Object.values(contract.routes).map(({ http }) => http)),
].map((http) => (http.includes(' ') ? http : `GET ${http}`).replace(/:[A-Za-z]+/g, 'x'));

const plain = (route: string): string =>
  `${route} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;

test('two pipelined requests and a disconnect, on every route, end nothing and leave nothing open', async () => {
  await isAlive();
  const before = descriptors();
  for (const route of routes) {
    for (const patience of [0, 5]) {
      const socket = open();
      socket.write(plain(route).repeat(2));
      await sleep(patience);
      socket.destroy();
    }
  }
  // Longer than a handler may take: that was when the process ended.
  await sleep(6000);
  await isAlive();
  await eventually(async () => expect(descriptors()).toBeLessThan(before + 5));
  expect(app.stdout()).not.toMatch(/uncaught|"level":"(error|fatal)"/);
});

test('one that reads slowly, on every route, gets its answer whole, and one that stalls is cut off', async () => {
  const slow = open();
  let bytes = 0;
  slow.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    slow.pause();
    setTimeout(() => slow.resume(), 250);
  });
  slow.write(plain('GET /docs/swagger-ui-bundle.js'));
  const ended = await metric('connections_ended_total{wire="http",reason="unread"}');
  for (const route of routes) {
    const socket = open();
    socket.pause();
    socket.write(plain(route).repeat(40));
  }
  await eventually(async () =>
    expect(await metric('connections_ended_total{wire="http",reason="unread"}')).toBeGreaterThan(ended),
  );
  await eventually(async () => expect(bytes).toBeGreaterThan(mebibyte), 60_000);
  await isAlive();
  expect(app.stdout()).not.toMatch(/uncaught|"level":"(error|fatal)"/);
});

test('pipelined requests whose answers nobody reads cost little, and their connections end', async () => {
  const before = rss();
  const requests = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1500);
  const held = Array.from({ length: 6 }, () => open());
  const gone = held.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  for (const socket of held) {
    socket.pause();
    socket.write(requests);
  }
  await sleep(1500);
  expect(rss() - before).toBeLessThan(maxGrowth);
  for (const socket of held) socket.resume();
  await Promise.all(gone);
  await isAlive();
});

test('no more is made of what is pipelined than may wait, however many connections bring it', async () => {
  const before = rss();
  const many =
    'GET /docs/openapi.json HTTP/1.1\r\nHost:x\r\n\r\n'.repeat(40) +
    'GET / HTTP/1.1\r\nHost:x\r\nA:\r\n\r\n'.repeat(6000);
  for (let i = 0; i < 100; i += 1) {
    const socket = open();
    socket.pause();
    socket.write(many);
  }
  const ended = 'connections_ended_total{wire="http",reason="pipelined"}';
  await eventually(async () => expect(await metric(ended)).toBeGreaterThan(50));
  expect(rss() - before).toBeLessThan(maxGrowth);
  await isAlive();
});

test('whoever pipelines and reads gets every answer, in order', async () => {
  const socket = open();
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  const paths = Array.from({ length: 200 }, (_, i) => `/users/${i % 2 === 0 ? '' : 'x'}`);
  const end = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join('') + end);
  await new Promise((resolve) => socket.once('close', resolve));
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  expect(statuses).toEqual([...paths.map((path) => (path.endsWith('x') ? '400' : '404')), '200']);
});

test('what is no HTTP is refused behind the answers that are due, and not in their place', async () => {
  const socket = open();
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  const good = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n';
  socket.write(`${good}${good}NOT HTTP\r\n\r\n`);
  await new Promise((resolve) => socket.once('close', resolve));
  expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '200', '400']);
});

const login = {
  ':method': 'POST',
  ':path': '/aerie.auth.v1.AuthService/Login',
  'content-type': 'application/grpc',
  te: 'trailers',
};

/** The beginning of a message of 280 KiB. */
function prefix(): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(280 * 1024, 1);
  return bytes;
}

test.each([
  ['in large frames', Buffer.alloc(16 * 1024), 17],
  ['in frames of one byte', Buffer.alloc(1), 2000],
])('gRPC messages that are half sent, %s, hold no more than the limit, and end', async (_name, frame, frames) => {
  const before = rss();
  const sessions = Array.from({ length: 40 }, openGrpc);
  for (const session of sessions) {
    for (let i = 0; i < 25; i += 1) {
      const stream = session.request(login);
      stream.on('error', () => undefined);
      stream.write(prefix());
      for (let n = 0; n < frames; n += 1) stream.write(frame);
    }
  }
  let most = 0;
  for (let looks = 0; looks < 10 || (most === 0 && looks < 100); looks += 1) {
    await sleep(200);
    most = Math.max(most, await metric('unfinished_bytes'));
    expect(rss() - before).toBeLessThan(maxGrowth);
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(16 * mebibyte);
  // The unary deadline, or the memory, has ended each of them.
  await eventually(async () => expect(await metric('unfinished_bytes')).toBe(0), 30_000);
  await isAlive();
});

test('HTTP bodies that are half sent hold no more than the limit, and honest ones still come through', async () => {
  const head =
    'POST /events/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 262144\r\n\r\n';
  for (let i = 0; i < 100; i += 1) open().write(head + ' '.repeat(200_000));
  await eventually(async () => expect(await metric('unfinished_messages_evicted_total')).toBeGreaterThan(0));
  expect(await metric('unfinished_bytes')).toBeLessThanOrEqual(16 * mebibyte);
  const honest = await request(`${app.url}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"email":"nobody@example.com","password":"correct horse"}',
  });
  expect(honest.statusCode).toBe(401);
  for (const each of sockets) each.destroy();
  await eventually(async () => expect(await metric('unfinished_bytes')).toBe(0));
});

test.each([
  ['http', () => Number(new URL(app.url).port)],
  ['grpc', () => Number(app.grpcUrl.split(':').at(-1))],
])('%s: one address has no more connections than it may, and others still get in', async (wire, port) => {
  await eventually(async () => expect(await metric(`connections_open{wire="${wire}"}`)).toBeLessThan(5));
  const closed: number[] = [];
  for (let i = 0; i < 140; i += 1) {
    const socket = connect({ port: port(), host: '127.0.0.1', localAddress: '127.0.0.9' });
    socket.on('error', () => undefined).on('close', () => closed.push(i));
    sockets.push(socket);
  }
  await eventually(async () => expect(closed.length).toBeGreaterThanOrEqual(20));
  await isAlive();
  expect(await metric(`connections_refused_total{wire="${wire}",reason="address"}`)).toBeGreaterThanOrEqual(20);
});

test('a peer that never says that it speaks HTTP/2 is let go', async () => {
  const socket = connect(Number(app.grpcUrl.split(':').at(-1)), '127.0.0.1');
  sockets.push(socket);
  socket.resume();
  await new Promise((resolve) => socket.on('error', resolve).once('close', resolve));
  expect(await metric('connections_ended_total{wire="grpc",reason="handshake"}')).toBeGreaterThan(0);
});

test('answers held back by an HTTP/2 window are not kept for ever', async () => {
  const session = connectHttp2(app.grpcUrl.replace('grpc:', 'http:'), { settings: { initialWindowSize: 0 } });
  session.on('error', () => undefined);
  sockets.push(session);
  const closed = new Promise((resolve) => session.once('close', resolve));
  const stream = session.request({ ...login, ':path': '/aerie.leaderboard.v1.LeaderboardService/GetLeaderboard' });
  stream.on('error', () => undefined);
  stream.end(Buffer.from([0, 0, 0, 0, 7, 10, 5, 100, 97, 105, 108, 121]));
  await closed;
  await isAlive();
});
