import { once } from 'node:events';
import { connect } from 'node:net';
import { ulid } from 'ulid';
import { queueContract as queue } from '../../../src/features/queue/queue.api';
import { MemoryPresence } from '../../../src/features/queue/queue.memory-presence';
import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import { HotReads } from '../../../src/shared/http/http.hot-reads';
import { Lifecycle } from '../../../src/shared/lifecycle/lifecycle';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp, type TestApp } from '../../support/wires';
import { heads, lines, type Odd, trace } from './hot-requests';

// `GET /queue/status` in its plain form is served before Fastify; in any other form by Fastify. What is answered is the same,
// byte by byte: each request is sent twice, the second time to a process that hands all to Fastify.

const internal = 'an-internal-secret-of-32-bytes-or-more';
const operator = { authorization: `Bearer ${internal}` };
const kinds = ['waiting', 'ready', 'admitted', 'prequeued', 'left', 'unknown'] as const;
type Kind = (typeof kinds)[number];

let database: TestDatabase;
let app: TestApp;
const tickets = new Map<Kind, string>([['unknown', 'x'.repeat(43)]]);
/** Who has answered, in order. */
const ways: string[] = [];
let isOff = false;

beforeAll(async () => {
  const { answer } = HotReads.prototype;
  jest.spyOn(HotReads.prototype, 'answer').mockImplementation(function (this: HotReads, ...args) {
    const isHot = !isOff && answer.apply(this, args);
    ways.push(isHot ? 'hot' : 'fastify');
    return isHot;
  });
  database = await everyDatabase[0]!.create();
  const origins = 'https://studio.example,https://*.game.example';
  app = await openApp(database.url, { INTERNAL_API_SECRET: internal, ALLOWED_ORIGINS: origins });
  await fillRooms();
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function room(rules: object): Promise<string> {
  const saleId = `sale-${ulid().toLowerCase()}`;
  const message = {
    ...{ saleId, title: 'A drop', currency: 'EUR', opensAt: '2020-01-01T00:00:00Z' },
    queue: { activePlaces: 2, readySeconds: 600, grantSeconds: 600, silenceSeconds: 3600, ...rules },
    sections: [{ sectionId: 'floor', price: 0, capacity: 10, seats: [] }],
  };
  expect((await app.http.call(reservations, 'createSale', message, operator)).code).toBe('ok');
  return saleId;
}

async function called(method: string, message: object, user: string): Promise<Record<string, unknown>> {
  const outcome = await app.http.call(queue, method, message, { ...operator, 'x-aerie-subject': user });
  expect(outcome).toMatchObject({ code: 'ok' });
  return outcome.body;
}

/** One ticket of each kind; nothing becomes of them while the tests run. */
async function fillRooms(): Promise<void> {
  const saleId = await room({});
  const join = async (kind: Kind, to: string): Promise<void> => {
    tickets.set(kind, String((await called('joinQueue', { saleId: to }, `${kind}-1`)).ticket));
  };
  for (const kind of ['admitted', 'ready', 'left', 'waiting'] as const) {
    await join(kind, saleId);
    if (kind === 'admitted' || kind === 'ready') await become(kind, 'ready');
  }
  await called('requestAdmission', { ticket: tickets.get('admitted') }, 'admitted-1');
  await called('leaveQueue', { ticket: tickets.get('left') }, 'left-1');
  const drawAt = new Date(Date.now() + 86_400_000).toISOString();
  await join('prequeued', await room({ drawAt }));
  for (const kind of kinds.slice(0, -1)) await become(kind, kind);
}

async function become(kind: Kind, status: string): Promise<void> {
  await eventually(async () => {
    const { body } = await app.http.call(queue, 'getQueueStatus', { ticket: tickets.get(kind) });
    expect(body).toMatchObject({ status });
  });
}

/** Sends these bytes; answers what came back until the server ended the connection, without what is never the same. */
async function exchange(request: string, { url } = app): Promise<readonly string[]> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  socket.write(request, 'latin1');
  await once(socket, 'close');
  const made = text.replace(/\b[0-9a-f]{32}\b/g, (id) => (id === trace ? id : 'made'));
  return made
    .split('\r\n\r\n')
    .map((part) => part.split('\r\n').filter((field) => !/^date:/i.test(field)))
    .flatMap(([first = '', ...fields]) => [first, ...fields.sort()]);
}

async function viaFastify<T>(work: () => Promise<T>): Promise<T> {
  isOff = true;
  try {
    return await work();
  } finally {
    isOff = false;
  }
}

interface Both {
  readonly hot: readonly string[];
  readonly slow: readonly string[];
}

/**
 * The answers both ways. All that a hot one takes was asked for just before; where the machine was so slow that it is old
 * again, once more.
 */
async function both(request: string, isHot: boolean): Promise<Both> {
  const plain = requestOf({ line: 'GET /queue/status?ticket=TICKET HTTP/1.1' }, 'waiting');
  for (;;) {
    await viaFastify(() => exchange(plain));
    const slow = await viaFastify(() => exchange(request));
    ways.length = 0;
    const hot = await exchange(request);
    if (!isHot) expect(ways).not.toContain('hot');
    if (ways.includes('hot') === isHot) return { hot, slow };
  }
}

const requestOf = ({ line, headers = [], body = '', host = true }: Odd, kind: Kind): string =>
  [
    line.replaceAll('TICKET', tickets.get(kind) ?? ''),
    ...(host ? ['Host: localhost'] : []),
    ...headers.map((header) => header.replaceAll('TICKET', tickets.get(kind) ?? '')),
    ...['Connection: close', '', body],
  ].join('\r\n');

test.each(kinds)('a ticket that is %s: every kind of head has the same answer both ways', async (kind) => {
  for (const { name, isHot, ...odd } of heads) {
    const { hot, slow } = await both(requestOf(odd, kind), isHot && kind !== 'unknown');
    expect([name, ...hot]).toEqual([name, ...slow]);
    expect(slow[0]).toMatch(/^HTTP\/1\.1 \d{3} /);
  }
});

test.each(lines)('$name: the same answer both ways', async ({ isHot, ...odd }) => {
  const { hot, slow } = await both(requestOf(odd, 'waiting'), isHot);
  expect(hot).toEqual(slow);
  expect(slow[0]).toMatch(/^HTTP\/1\.1 \d{3} /);
});

test('several at a time on one connection that is kept', async () => {
  const line = `GET /queue/status?ticket=${tickets.get('waiting')} HTTP/1.1\r\nHost: localhost\r\n`;
  const { hot, slow } = await both(
    `${line}\r\n${line}Origin: https://studio.example\r\n\r\n${line}Connection: close\r\n\r\n`,
    true,
  );
  expect(ways).toEqual(['hot', 'hot', 'hot']);
  expect(hot.join('\n').match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
  expect(hot.filter((text) => text.startsWith('access-control-allow-origin'))).toHaveLength(1);
  expect(hot).toEqual(slow);
});

test('the ways say of the same people that they are present, for the same time', async () => {
  const see = jest.spyOn(MemoryPresence.prototype, 'see');
  try {
    for (const kind of kinds) {
      const seen = { hot: [] as unknown[], slow: [] as unknown[] };
      const request = requestOf({ line: 'GET /queue/status?ticket=TICKET HTTP/1.1' }, kind);
      await eventually(async () => {
        see.mockClear();
        await viaFastify(() => exchange(request));
        seen.slow = [...see.mock.calls];
        see.mockClear();
        ways.length = 0;
        await exchange(request);
        seen.hot = [...see.mock.calls];
        expect(ways).toEqual([kind === 'unknown' ? 'fastify' : 'hot']);
      });
      expect(seen.hot).toEqual(seen.slow);
      expect(seen.hot).toHaveLength(['waiting', 'prequeued', 'ready'].includes(kind) ? 1 : 0);
    }
  } finally {
    see.mockRestore();
  }
});

test('while the process leaves, or new requests wait, all is Fastify’s', async () => {
  const request = requestOf({ line: 'GET /queue/status?ticket=TICKET HTTP/1.1' }, 'waiting');
  const kept = request.replace('Connection: close\r\n', '');
  const phase = jest.spyOn(Lifecycle.prototype, 'phase', 'get').mockReturnValue('draining');
  try {
    const { hot, slow } = await both(`${kept}${request}`, false);
    expect(hot).toEqual(slow);
    expect(hot).toContain('connection: close');
  } finally {
    phase.mockRestore();
  }
  const held = jest.spyOn(Lifecycle.prototype, 'held', 'get').mockReturnValue(Promise.resolve());
  try {
    const { hot, slow } = await both(request, false);
    expect(hot).toEqual(slow);
  } finally {
    held.mockRestore();
  }
});

test('both ways count the same', async () => {
  const counted = async (): Promise<Map<string, number>> => {
    const text = await (await fetch(`${app.url}/metrics`, { headers: operator })).text();
    const of = text
      .split('\n')
      .filter((line) => /^http_\w+(_count|_total|_bytes_sum)\{.*("queue"|queue\/status)/.test(line));
    return new Map(of.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]));
  };
  const request = requestOf({ line: 'GET /queue/status?ticket=TICKET HTTP/1.1' }, 'waiting');
  const grown = async (): Promise<object> => {
    const before = await counted();
    await exchange(request);
    const after = [...(await counted())].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const);
    return Object.fromEntries(after.filter(([, by]) => by !== 0));
  };
  await eventually(async () => {
    const slow = await viaFastify(grown);
    ways.length = 0;
    const hot = await grown();
    expect(ways).toContain('hot');
    expect(Object.keys(hot).length).toBeGreaterThan(3);
    expect(hot).toEqual(slow);
  });
});

test('a gateway that only exposes the waiting room answers the same, and nothing of it before Fastify', async () => {
  const own = await everyDatabase[0]!.create();
  const gateway = await openApp(own.url, {
    ...{ MODULES: 'users,auth', EXPOSE: 'queue', QUEUE_URL: `grpc://${app.grpcAddress}` },
    ...{ INTERNAL_API_SECRET: internal, ALLOWED_ORIGINS: 'https://studio.example,https://*.game.example' },
  });
  try {
    const headers = ['Origin: https://studio.example'];
    const request = requestOf({ line: 'GET /queue/status?ticket=TICKET HTTP/1.1', headers }, 'waiting');
    const direct = await viaFastify(() => exchange(request));
    ways.length = 0;
    expect(await exchange(request, gateway)).toEqual(direct);
    expect(ways).toEqual(['fastify']);
  } finally {
    await gateway[Symbol.asyncDispose]();
    await own[Symbol.asyncDispose]();
  }
});
