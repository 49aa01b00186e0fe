import { connect, type Socket } from 'node:net';
import { type AppProcess, startApp } from '../../support/app';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp } from '../../support/wires';
import { GrpcClient, SseClient, TcpClient, WsClient } from './clients';

// The promise: whoever comes leaves nothing behind when it goes, and neither does the server.

// The long run is that of `npm run faults`.
const connects = process.env.npm_lifecycle_event === 'faults' ? 100_000 : 4000;

/** Connects, takes a name, and goes: so many at once. */
async function comeAndGo(port: number, count: number, from: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const client = new TcpClient(port);
      client.socket.write(`n${from + i}\nhello\n`);
      await eventually(async () => {
        if (!client.lines.includes('OK')) throw new Error('Not yet');
      });
      client.close();
      await client.ended;
    }),
  );
}

async function residentMemory(app: AppProcess): Promise<number> {
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(metrics)?.[1]);
}

async function connected(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const found = [...metrics.matchAll(/^chat_connected_clients\{wire="\w+"\} (\d+)/gm)];
  return found.reduce((sum, [, count]) => sum + Number(count), 0);
}

test('memory does not grow with connections that are gone', async () => {
  await using app = await startApp({
    env: { CHAT_PORT: '0', CONNECTIONS_PER_ADDRESS_MAX: '10000' },
  });
  const port = app.chatPort as number;
  const half = connects / 2;
  let come = 0;
  const until = async (count: number): Promise<void> => {
    for (; come < count; come += 50) await comeAndGo(port, 50, come);
  };
  await until(half);
  const before = await residentMemory(app);
  await until(connects);
  await eventually(async () => expect(await connected(app.url)).toBe(0));
  // What stays of each would be seen: a name, a queue and a socket are several kilobytes.
  expect((await residentMemory(app)) - before).toBeLessThan(Math.max(24 * 1024 * 1024, half * 300));
  expect((await (await fetch(`${app.url}/chat/users`)).json()) as object).toMatchObject({ users: [] });
}, 1_200_000);

test('ten thousand connections from one address are bounded, and delay nobody', async () => {
  await using app = await startApp({ env: { CHAT_PORT: '0', CONNECTIONS_PER_ADDRESS_MAX: '300' } });
  const port = app.chatPort as number;
  const ada = new TcpClient(port);
  await ada.enter('ada');
  const open = new Set<Socket>();
  let closed = 0;
  for (let i = 0; i < 10_000; i += 1) {
    // Bound to another address of this machine, so that ada's is not taken.
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' });
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      open.delete(socket);
      closed += 1;
    });
    socket.resume();
    if (i % 500 === 499) {
      // Somebody who talks meanwhile is heard, at the pace that everybody has.
      ada.clear();
      await eventually(async () => {
        ada.say(`still here ${i}`);
        await new Promise((resolve) => setTimeout(resolve, 120));
        expect(ada.lines).toContain(`ada: still here ${i}`);
      });
      await eventually(async () => expect(open.size).toBeLessThanOrEqual(300));
    }
  }
  await eventually(async () => expect(closed).toBeGreaterThanOrEqual(9700));
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  const refused = Number(/^connections_refused_total\{wire="tcp",reason="address"\} (\d+)/m.exec(metrics)?.[1]);
  expect(refused).toBeGreaterThanOrEqual(9000);
  for (const socket of open) socket.destroy();
  ada.close();
}, 120_000);

test('SIGTERM: every client on every wire is told goodbye, what was said is flushed, exit 0', async () => {
  // Longer than what is left to other streams: everybody is told at the same time.
  await using app = await startApp({ env: { CHAT_PORT: '0', SHUTDOWN_DRAIN_MS: '5000' } });
  const [tcp, ws] = [new TcpClient(app.chatPort as number), new WsClient(app.url)];
  const grpc = new GrpcClient(app.grpcUrl.slice('grpc://'.length));
  const sse = await new SseClient().open(app.url);
  await tcp.enter('tcp');
  await ws.enter('ws');
  await grpc.enter('grpc');
  const stuck = new TcpClient(app.chatPort as number);
  await stuck.enter('stuck');
  stuck.pause();
  const code = app.stop();
  await eventually(async () => expect((await fetch(`${app.url}/health/ready`)).status).toBe(503));
  tcp.say('last words');
  await Promise.all([tcp.ended, ws.ended, grpc.ended]);
  expect(tcp.lines.slice(-3)).toEqual([
    'tcp: last words',
    'SYSTEM: The server is going down; connect again in a moment',
    'Bye',
  ]);
  for (const { heard } of [ws, grpc]) {
    expect(heard.filter(({ type }) => type === 'message').map(({ text }) => text)).toEqual(['last words']);
    expect(heard.at(-1)).toMatchObject({ type: 'bye', code: 'shutdown' });
  }
  await eventually(async () => expect(sse.heard.at(-1)).toMatchObject({ type: 'bye', code: 'shutdown' }));
  expect(ws.code).toBe(1001);
  expect(grpc.error).toMatchObject({ code: 14 });
  expect(await code).toBe(0);
  stuck.close();
});

test('a stopped application leaves no timer, socket or listener', async () => {
  await using database = await everyDatabase[0]!.create();
  const kinds = (): string[] =>
    process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout|Pipe|Immediate/.test(kind));
  const before = kinds().sort();
  {
    await using app = await openApp(database.url, { CHAT_PORT: '0' });
    const clients = [new TcpClient(app.ports.chat as number), new WsClient(app.url), new GrpcClient(app.grpcAddress)];
    for (const [i, client] of clients.entries()) await client.enter(`u${i}`);
    for (const client of clients) client.close();
  }
  await eventually(async () => {
    const left = kinds().sort();
    for (const kind of before) if (left.includes(kind)) left.splice(left.indexOf(kind), 1);
    expect(left.filter((kind) => kind.startsWith('TCP'))).toEqual([]);
  });
});
