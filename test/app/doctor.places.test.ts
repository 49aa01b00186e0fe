import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AppProcess, type Ended, ensureBuilt, startApp } from '../support/app';
import { everyDatabase } from '../support/databases';
import { freePort } from '../support/processes';
import { examined, expectFound } from './examined';

// Ports that another Aerie has are not well, and those of the process with these settings are.

let folder: string;
beforeAll(() => {
  ensureBuilt();
  folder = mkdtempSync(join(tmpdir(), 'aerie-doctor-places-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const doctor = (env: Record<string, string>): Promise<Ended> => examined(folder, env);
const urlOf = (name: string): string => `sqlite:${join(folder, name)}`;
const portsOf = (app: AppProcess): Record<string, string> => ({
  HTTP_PORT: new URL(app.url).port,
  GRPC_PORT: new URL(app.grpcUrl).port,
  CHAT_PORT: String(app.chatPort),
});

test('an Aerie that has the database of these settings is the one that may listen there', async () => {
  await using app = await startApp({ databaseUrl: urlOf('own.db') });
  const ports = portsOf(app);
  const same = await doctor({ ...ports, DATABASE_URL: urlOf('own.db') });
  expect(same.out).toMatch(/ok +port +HTTP_PORT \S+ +Aerie listens there, and a process has the database\n/);
  expect(same.out).toMatch(/ok +port +GRPC_PORT \S+ +Aerie listens there, and a process has the database\n/);
  // Chat over TCP says nothing of who it is.
  expectFound(same, [['WARN', /CHAT_PORT .*a program listens there, perhaps an Aerie/, /fails unless/]]);
  expect(same.code).toBe(0);
  const moved = await doctor({ ...ports, DATABASE_URL: urlOf('own.db'), HTTP_PORT: String(await freePort()) });
  expectFound(moved, [['WARN', /HTTP_PORT .*nobody listens there, and yet a process has/, /End that process/]]);
  expect(moved.out).toMatch(/ok +port +GRPC_PORT/);
});

test('an Aerie that has another database: the start would fail', async () => {
  await using app = await startApp({ databaseUrl: urlOf('theirs.db') });
  const ended = await doctor({ ...portsOf(app), DATABASE_URL: urlOf('mine.db') });
  expect(ended.code).toBe(1);
  expectFound(ended, [
    ['FAIL', /HTTP_PORT .*another Aerie listens there/, /End that one, or give HTTP_PORT another port/],
    ['FAIL', /GRPC_PORT .*another Aerie listens there/, /End that one, or give GRPC_PORT another port/],
  ]);
});

test('SQLite without a driver for this Node, also where there is no file yet: the start would fail', async () => {
  const hook = join(__dirname, '../support/no-driver.cjs');
  const ended = await doctor({ DATABASE_URL: urlOf('not-there.db'), NODE_OPTIONS: `--require ${hook}` });
  expect(ended.code).toBe(1);
  expectFound(ended, [['FAIL', /database .*its driver was not compiled for this Node/, /npm ci/]]);
});

test('a database on a server does not tell whose connections it has', async () => {
  await using database = await everyDatabase.find(({ name }) => name === 'postgres')!.create();
  await using app = await startApp({ databaseUrl: database.url });
  expectFound(await doctor({ ...portsOf(app), DATABASE_URL: database.url }), [
    ['WARN', /HTTP_PORT .*an Aerie listens there/, /The start fails unless it is the process with these settings/],
    ['WARN', /GRPC_PORT .*an Aerie listens there/, /else give GRPC_PORT another port/],
  ]);
});

test('what listens at GRPC_PORT is not Aerie because HTTP answers', async () => {
  await using app = await startApp({ databaseUrl: urlOf('http.db') });
  const other: Server = createServer((_request, response) => response.end());
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  const port = String((other.address() as AddressInfo).port);
  const ended = await doctor({ ...portsOf(app), GRPC_PORT: port, DATABASE_URL: urlOf('http.db') });
  await new Promise((done) => other.close(done));
  expect(ended.code).toBe(1);
  expectFound(ended, [['FAIL', /GRPC_PORT .*another program listens there/, /End that program/]]);
});
