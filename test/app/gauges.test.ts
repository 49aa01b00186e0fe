import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { everyDatabase, type TestDatabase } from '../support/databases';
import { makeKeyFile } from '../support/keys';
import { metricSum } from '../support/metrics';
import { certificateFile } from '../support/tls-proxy';
import { openApp, type TestApp } from '../support/wires';

// What alerts are made of, as a real application tells it.

let folder: string;
let database: TestDatabase;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aerie-gauges-'));
  database = await everyDatabase[0]!.create();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const textOf = async ({ url }: TestApp): Promise<string> => (await fetch(`${url}/metrics`)).text();

test('the end of the certificate, and the last change of the key that signs', async () => {
  const file = await makeKeyFile(folder, 'signing');
  utimesSync(file, 1_700_000_000, 1_700_000_000);
  expect(statSync(file).mtimeMs).toBe(1_700_000_000_000);
  const tls = { GRPC_TLS_CERT: certificateFile, GRPC_TLS_KEY: certificateFile };
  await using app = await openApp(database.url, { ...tls, JWT_PRIVATE_KEY_FILE: file });
  const until = Date.parse(new X509Certificate(readFileSync(certificateFile)).validTo) / 1000;
  expect(await metricSum(app.url, 'tls_certificate_expiry_timestamp_seconds{listener="grpc"}')).toBe(until);
  expect(await metricSum(app.url, 'jwt_key_changed_timestamp_seconds{use="signing"}')).toBe(1_700_000_000);
});

test('a process is ready by its own account, and what it does not have it does not tell of', async () => {
  await using app = await openApp(database.url);
  const told = await textOf(app);
  for (const check of ['database', 'progression.log', 'leaderboard.log', 'process'])
    expect(told).toContain(`\nreadiness_status{check="${check}"} 1\n`);
  expect(told).toContain('\ndatabase_unwritable 0\n');
  expect(told).not.toMatch(/^tls_certificate_expiry_timestamp_seconds/m);
});

test("prom-client's gauges that are named as counters are left out, and told by their types", async () => {
  await using app = await openApp(database.url);
  const told = await textOf(app);
  expect(told).not.toMatch(/nodejs_active_\w+_total/);
  expect(told).toMatch(/^nodejs_active_handles\{type=/m);
});
