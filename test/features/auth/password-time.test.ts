import { authContract as auth } from '../../../src/features/auth/auth.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { metricSum } from '../../support/metrics';
import { fromElsewhere, manyAddresses, register } from '../../support/players';
import { openApp, type TestApp } from '../../support/wires';

// SPEC 1: an unknown user takes as long as a wrong password. Measured in turns, and in the time for which this process works,
// on all of its threads: how long others keep it from working says nothing of either. Nobody else is waited for here.

const pairs = 40;
const attempts = 5;

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  app = await openApp(database.url, manyAddresses);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function milliseconds(wire: 'http' | 'grpc', email: string): Promise<number> {
  const began = process.cpuUsage();
  const message = { email, password: 'a wrong password' };
  const { code } = await app[wire].call(auth, 'login', message, fromElsewhere());
  expect(code).toBe('credentials_invalid');
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

test.each(['http', 'grpc'] as const)('%s: medians differ by less than a tenth', async (wire) => {
  const ratios: number[] = [];
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    // An account of its own for each attempt: so many tries in a minute are all that one has.
    const known = `${wire}-known-${attempt}@example.com`;
    await register(app, known);
    const times: { known: number[]; unknown: number[] } = { known: [], unknown: [] };
    const hashed = await metricSum(app.url, 'auth_hash_duration_seconds_count');
    for (let i = 0; i < pairs; i += 1) {
      times.known.push(await milliseconds(wire, known));
      times.unknown.push(await milliseconds(wire, `${wire}-unknown-${attempt}@example.com`));
    }
    expect(await metricSum(app.url, 'auth_hash_duration_seconds_count')).toBe(hashed + 2 * pairs);
    const ratio = median(times.unknown) / median(times.known);
    ratios.push(ratio);
    if (Math.abs(ratio - 1) < 0.1) return;
  }
  throw new Error(`unknown to wrong password: ${ratios.map((ratio) => ratio.toFixed(3)).join(', ')}`);
});
