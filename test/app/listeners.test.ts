import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { type AppProcess, startApp } from '../support/app';
import { eventually } from '../support/eventually';

// A port of a feature's own: it is told of where the others are told of, and says goodbye when the process leaves.

const dist = join(__dirname, '../../dist');
let folder: string;
let env: Record<string, string>;

/** Gives a feature of the built application a listener, which greets, repeats, and says goodbye, or does not. */
const parrot = `
  const { features } = require('${dist}/features/index.js');
  const { Connections } = require('${dist}/shared/connections/connections.js');
  const { ConnectionsModule } = require('${dist}/shared/connections/connections.module.js');
  const { Listeners } = require('${dist}/shared/connections/listeners.js');
  const net = require('node:net');
  function add(listeners, connections) {
    const clients = new Set();
    const server = net.createServer((socket) => {
      clients.add(socket);
      socket.on('close', () => clients.delete(socket)).on('error', () => undefined);
      socket.write('hello ');
      socket.on('data', (bytes) => socket.write(bytes));
    });
    connections.watch(server, 'tcp');
    listeners.add({
      name: 'parrot',
      variable: 'PARROT_PORT',
      row: (address) => ['Parrot', address + ' (TCP)'],
      listen: (host) => new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(Number(process.env.PARROT_PORT ?? 0), host, () => resolve(server.address().port));
      }),
      stopListening: async () => void server.close(),
      close: () => new Promise((resolve) => {
        if (process.env.PARROT_STAYS) return;
        for (const client of clients) client.end('goodbye');
        resolve();
      }),
    });
  }
  const feature = features.find(({ contract }) => contract.name === 'leaderboard');
  feature.doors.imports.push(ConnectionsModule);
  feature.doors.providers.push({ provide: 'Parrot', inject: [Listeners, Connections], useFactory: add });
`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'aerie-listeners-'));
  const main = join(folder, 'main.js');
  writeFileSync(main, `${parrot}require('${dist}/main.js');`);
  env = { SHUTDOWN_DRAIN_MS: '300' };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Client {
  readonly socket: Socket;
  text: string;
  readonly ended: Promise<unknown>;
}

function client(port: number): Client {
  const socket = connect(port, '127.0.0.1');
  const made: Client = { socket, text: '', ended: new Promise((resolve) => socket.once('close', resolve)) };
  socket.on('data', (bytes: Buffer) => (made.text += bytes.toString())).on('error', () => undefined);
  return made;
}

const start = (more: Record<string, string> = {}): Promise<AppProcess> =>
  startApp({ dist: folder, env: { ...env, ...more } });

function portOf(app: AppProcess): number {
  const line = /^\{.*"message":"app_ready".*\}$/m.exec(app.stdout())?.[0] ?? '{}';
  return (JSON.parse(line) as { parrot_port: number }).parrot_port;
}

const open = async (app: AppProcess): Promise<string | undefined> => {
  const metrics = await (await request(`${app.url}/metrics`)).body.text();
  return /^connections_open\{wire="tcp"\} (\d+)$/m.exec(metrics)?.[1];
};

test('it is told of, counted, and says goodbye: before that its clients are served', async () => {
  await using app = await start({ SHUTDOWN_DRAIN_MS: '4000' });
  const port = portOf(app);
  // It is printed behind the line by which the app is known to be ready.
  await eventually(async () => expect(app.stdout()).toContain(`\n  Parrot    127.0.0.1:${port} (TCP)\n`));
  expect(await open(app)).toBe('0');
  const first = client(port);
  await eventually(async () => expect(first.text).toBe('hello '));
  expect(await open(app)).toBe('1');
  const stopped = app.stop();
  await eventually(async () => expect((await request(`${app.url}/health/ready`)).statusCode).toBe(503));
  const late = client(port);
  await eventually(async () => expect(late.text).toBe('hello '));
  for (const { socket } of [first, late]) socket.write('so long ');
  await Promise.all([first.ended, late.ended]);
  expect([first.text, late.text]).toEqual(['hello so long goodbye', 'hello so long goodbye']);
  expect(await stopped).toBe(0);
});

test('one that says no goodbye keeps nobody from leaving', async () => {
  await using app = await start({ PARROT_STAYS: '1', SHUTDOWN_HARD_MS: '3500' });
  const stays = client(portOf(app));
  await eventually(async () => expect(stays.text).toBe('hello '));
  expect(await app.stop()).toBe(0);
  await stays.ended;
  expect(app.stdout()).toMatch(/"feature":"parrot".*"message":"listener_failed"/);
});

test('its port in use: a line that names its variable', async () => {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const environment = { PATH: process.env.PATH, HTTP_PORT: '0', GRPC_PORT: '0', PARROT_PORT: `${port}` };
  const child = spawn(process.execPath, [join(folder, 'main.js')], {
    cwd: folder,
    env: environment as NodeJS.ProcessEnv,
  });
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  server.close();
  expect([code, err]).toEqual([1, `Aerie cannot start: PARROT_PORT: port ${port} is in use by another process.\n`]);
});
