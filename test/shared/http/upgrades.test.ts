import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { request } from 'undici';
import { features } from '../../../src/features/index';
import type { Feature } from '../../../src/shared/contract/feature';
import { AppError } from '../../../src/shared/errors/app-error';
import { forbidden, tokenInvalid, unavailable } from '../../../src/shared/errors/common.errors';
import { HttpModule } from '../../../src/shared/http/http.module';
import { HttpUpgrades, refuseUpgrade } from '../../../src/shared/http/http.upgrades';
import { currentContext } from '../../../src/shared/tracing/request-context';
import { eventually } from '../../support/eventually';
import { eventBody, signed } from '../../support/signed';
import { openApp, signedHeaders, type TestApp } from '../../support/wires';

// Which connections leave HTTP: those that ask for a WebSocket where there is one, and no other, whatever their headers say.

const limit = { limit: { name: 'chat', max: 5, windowSeconds: 60 }, remaining: 0, resetMs: 7000 };
const refusals: Record<string, AppError> = {
  unauthenticated: tokenInvalid(),
  forbidden: forbidden(),
  throttled: new AppError('throttled', 'rate_limited', 'Slower', { retryAfterMs: 6500, limits: [limit] }),
  unavailable: unavailable(),
};
const seen: (object | undefined)[] = [];

/** Echoes, or refuses what the query names. */
function upgrade(asked: IncomingMessage, socket: Duplex, head: Buffer): void {
  const name = new URLSearchParams(asked.url?.split('?')[1]).get('refuse') ?? '';
  const context = currentContext();
  if (name === 'broken') throw new Error('broken');
  const error = refusals[name];
  if (error) {
    refuseUpgrade(socket, error, String(context?.traceId));
    return;
  }
  seen.push(context);
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  socket.write(head);
  socket.on('data', (bytes: Buffer) => socket.write(bytes)).on('end', () => socket.end());
}

@Injectable()
class EchoDoor {
  constructor(upgrades: HttpUpgrades) {
    upgrades.add('/echo', upgrade);
  }
}

interface Peer {
  readonly socket: Socket;
  text: string;
  readonly ended: Promise<void>;
}

let app: TestApp;

function peer(...parts: string[]): Peer {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
  const ended = new Promise<void>((resolve) => socket.once('end', resolve).once('close', () => resolve()));
  const made: Peer = { socket, text: '', ended };
  socket.on('data', (bytes: Buffer) => (made.text += bytes.toString())).on('error', () => undefined);
  for (const part of parts) socket.write(part);
  return made;
}

const webSocket = 'Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n';
const h2c =
  'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA\r\n';
const ask = (target: string, headers = webSocket, method = 'GET'): string =>
  `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;

interface Answer {
  readonly status: number;
  readonly headers: string;
  readonly body: Record<string, unknown>;
}

function parsed(text: string): Answer {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), headers: head.toLowerCase(), body: JSON.parse(body || '{}') };
}

/** The one answer of a connection that the server closes after it. */
async function answered(text: string): Promise<Answer> {
  const asked = peer(text);
  await asked.ended;
  asked.socket.destroy();
  return parsed(asked.text);
}

beforeAll(async () => {
  const feature = features.find(({ contract }) => contract.name === 'leaderboard') as {
    -readonly [K in keyof Feature]: Feature[K];
  };
  const { controllers, imports = [], providers = [] } = feature.doors;
  feature.doors = { controllers, imports: [...imports, HttpModule], providers: [...providers, EchoDoor] };
  app = await openApp('sqlite::memory:', { TRUSTED_PROXIES: '127.0.0.1' });
});
afterAll(() => app[Symbol.asyncDispose]());

const metric = async (name: string): Promise<number> => {
  const text = await (await request(`${app.url}/metrics`)).body.text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(name))
      ?.split(' ')
      .at(-1) ?? 0,
  );
};

function inOneShape({ headers, body }: Answer): void {
  expect(Object.keys(body)).toEqual(['error', 'code', 'message', 'trace_id']);
  expect(headers).toContain('content-type: application/json; charset=utf-8');
  expect(headers).toContain('connection: close');
  expect(headers).toContain(`x-trace-id: ${body.trace_id}`);
}

describe('a WebSocket', () => {
  test.each([
    ['its path', '/echo'],
    ['with a query', '/echo?room=1'],
    ['as a whole URL', 'http://localhost/echo?room=1'],
  ])('is its handler’s: %s', async (_name, target) => {
    const headers = `${webSocket}X-Forwarded-For: 192.0.2.7\r\nX-Trace-ID: mine\r\n`;
    const made = peer(ask(target, headers));
    await eventually(async () => expect(made.text).toContain('101'));
    made.socket.destroy();
    expect(seen.pop()).toEqual({ traceId: 'mine', peer: '192.0.2.7' });
  });

  test('has what was sent behind its head, and all that comes later', async () => {
    const made = peer(`${ask('/echo')}first`);
    await eventually(async () => expect(made.text).toMatch(/^HTTP\/1\.1 101 .*first$/s));
    made.socket.write(' second');
    await eventually(async () => expect(made.text).toMatch(/first second$/));
    made.socket.end();
    await made.ended;
  });

  test('comes after the answers that are due on its connection', async () => {
    const made = peer(`${ask('/health/live', '')}${ask('/health/ready', '')}${ask('/echo')}first`);
    await eventually(async () => expect(made.text).toMatch(/first$/));
    expect(made.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 101']);
    made.socket.destroy();
  });

  test('of an unknown path is 404, and the connection is closed', async () => {
    const before = await metric('http_requests_total{service="app",method="any",path="unmatched",status="404"}');
    for (const path of ['/nowhere', '/leaderboard?window=daily', '/echo/']) {
      const answer = await answered(ask(path));
      expect([answer.status, answer.body.code]).toEqual([404, 'route_not_found']);
      inOneShape(answer);
    }
    const after = await metric('http_requests_total{service="app",method="any",path="unmatched",status="404"}');
    expect(after - before).toBe(3);
  });

  test('without a Host is 400', async () => {
    const answer = await answered(`GET /echo HTTP/1.1\r\n${webSocket}\r\n`);
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
  });

  test.each([
    ['unauthenticated', 401, 'token_invalid', ['www-authenticate: bearer']],
    ['forbidden', 403, 'forbidden', []],
    [
      'throttled',
      429,
      'rate_limited',
      ['retry-after: 7', 'ratelimit: "chat";r=0;t=7', 'ratelimit-policy: "chat";q=5;w=60'],
    ],
    ['unavailable', 503, 'unavailable', ['retry-after: 1']],
    ['broken', 500, 'internal', []],
  ])('that is refused as %s has the answer that any request has', async (name, status, code, headers) => {
    const answer = await answered(ask(`/echo?refuse=${name}`, `${webSocket}X-Trace-ID: mine\r\n`));
    expect([answer.status, answer.body.code, answer.body.trace_id]).toEqual([status, code, 'mine']);
    inOneShape(answer);
    for (const header of headers) expect(answer.headers.split('\r\n')).toContain(header);
  });

  test('that is refused is gone soon, also when its peer sends on and never closes', async () => {
    const socket = connect({ port: Number(new URL(app.url).port), host: '127.0.0.1', allowHalfOpen: true });
    const closed = new Promise((resolve) => socket.once('error', resolve).once('close', resolve));
    socket.resume().write(ask('/nowhere') + 'x'.repeat(100_000));
    const timer = setInterval(() => socket.write('x'.repeat(1000)), 50);
    await closed;
    clearInterval(timer);
    expect(socket.destroyed).toBe(true);
  });

  test('that its peer resets is gone, and nobody else notices', async () => {
    const before = await metric('connections_open{wire="http"}');
    const made = Array.from({ length: 10 }, () => peer(ask('/echo')));
    for (const one of made) await eventually(async () => expect(one.text).toContain('101'));
    expect(await metric('connections_open{wire="http"}')).toBeGreaterThanOrEqual(before + 10);
    for (const { socket } of made) socket.resetAndDestroy();
    await eventually(async () => expect(await metric('connections_open{wire="http"}')).toBeLessThan(before + 5));
    expect(await metric('faults_total')).toBe(0);
  });
});

describe('any other Upgrade header counts for nothing', () => {
  test('Java’s HttpClient, with and without a body, on one connection', async () => {
    const made = peer();
    const event = signed('h2c', eventBody());
    const headers = Object.entries(signedHeaders(event)).map(([name, value]) => `${name}: ${value}\r\n`);
    const json = (body: string): string =>
      `${h2c}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
    const player = '{"name":"Ada","email":"h2c@example.com"}';
    const steps: (readonly [string, RegExp])[] = [
      [ask('/health/live', h2c), /200 OK.*alive/s],
      [ask('/events', json(event.body.toString()) + headers.join(''), 'POST') + event.body, /202 Accepted.*accepted/s],
      [ask('/users', json(player), 'POST') + player, /201 Created.*h2c@example/s],
      [
        `${ask('/users', `${h2c}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n`, 'POST')}2\r\n{}\r\n0\r\n\r\n`,
        /400 Bad Request.*validation_failed/s,
      ],
      [ask('/nowhere', h2c), /404 Not Found.*route_not_found/s],
      [ask('/health/live', ''), /200 OK.*alive/s],
    ];
    for (const [text, expected] of steps) {
      made.text = '';
      // In two pieces, as TCP may cut it.
      made.socket.write(text.slice(0, -3));
      await sleep(20);
      made.socket.write(text.slice(-3));
      await eventually(async () => expect(made.text).toMatch(expected));
      expect(made.text.toLowerCase()).not.toContain('connection: close');
    }
    made.socket.destroy();
  });

  test.each([
    ['another protocol', ask('/health/live', 'Connection: Upgrade\r\nUpgrade: TLS/1.0\r\nConnection: close\r\n')],
    ['a POST', ask('/health/live', `${webSocket}Connection: close\r\n`, 'POST')],
    ['no Connection: Upgrade', ask('/health/live', 'Upgrade: websocket\r\nConnection: close\r\n')],
  ])('%s', async (_name, text) => {
    const { status } = await answered(text);
    expect(status).toBe(text.startsWith('POST') ? 405 : 200);
  });
});

test.each(['GET', 'HEAD'] as const)(
  'the path of a WebSocket, asked by %s without an upgrade, is 426 and says which',
  async (method) => {
    const answer = await request(`${app.url}/echo?room=1`, { method });
    expect([answer.statusCode, answer.headers.upgrade]).toEqual([426, 'websocket']);
    const text = await answer.body.text();
    if (method === 'GET')
      expect(JSON.parse(text)).toMatchObject({ error: 'Upgrade Required', code: 'upgrade_required' });
    const raw = await answered(ask('/echo', `${h2c}Connection: close\r\n`));
    expect([raw.status, raw.body.code]).toEqual([426, 'upgrade_required']);
    expect(raw.headers).toContain('upgrade: websocket');
  },
);

test('no other method is there', async () => {
  const answer = await request(`${app.url}/echo`, { method: 'POST' });
  expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'GET']);
  await answer.body.dump();
});

test('while the process leaves nobody gets in, and who is in may say goodbye', async () => {
  await using other = await openApp('sqlite::memory:', { SHUTDOWN_DRAIN_MS: '317' });
  const before = app;
  app = other;
  const [inside, late] = [peer(ask('/echo')), peer()];
  app = before;
  await eventually(async () => expect(inside.text).toContain('101'));
  // The time that it leaves to load balancers is over when this test says so.
  const real = setTimeout;
  const over = jest.fn();
  const timers = jest.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, ms?: number) => {
    if (ms !== 317) return real(work, ms);
    over.mockImplementation(work);
    return real(() => undefined, ms);
  }) as typeof setTimeout);
  const stopped = other[Symbol.asyncDispose]();
  late.socket.write(ask('/echo'));
  await late.ended;
  timers.mockRestore();
  over();
  expect([parsed(late.text).status, parsed(late.text).body.code]).toEqual([503, 'unavailable']);
  inOneShape(parsed(late.text));
  await sleep(1200);
  inside.socket.write('still here');
  await eventually(async () => expect(inside.text).toMatch(/still here$/));
  inside.socket.end();
  await stopped;
});
