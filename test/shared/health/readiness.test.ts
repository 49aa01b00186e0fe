import { Test } from '@nestjs/testing';
import { HealthModule } from '../../../src/shared/health/health.module';
import { type CheckResult, Readiness } from '../../../src/shared/health/readiness';
import { Lifecycle } from '../../../src/shared/lifecycle/lifecycle';
import { Metrics } from '../../../src/shared/metrics/metrics';

// Terminus decides, and nobody who asks sees that it does.

const database: CheckResult = { status: 'healthy', latencyMs: 0.3 };
const redis: CheckResult = { status: 'degraded', reason: 'does not answer' };
const broken: CheckResult = { status: 'unhealthy', reason: 'cannot be written to' };

async function open(checks: Record<string, CheckResult>) {
  const app = await Test.createTestingModule({ imports: [HealthModule] }).compile();
  app.get(Lifecycle).ready();
  const readiness = app.get(Readiness);
  for (const [name, result] of Object.entries(checks)) readiness.add(name, async () => result);
  const told = async (): Promise<Record<string, number>> => {
    const { values = [] } = (await app.get(Metrics).registry.getSingleMetric('readiness_status')?.get()) ?? {};
    return Object.fromEntries(values.map(({ labels, value }) => [labels.check, value]));
  };
  return { app, readiness, told };
}

test('what is degraded is told and takes no readiness away', async () => {
  const { readiness } = await open({ redis, database });
  // As text: the names in the order in which they were added, and nothing of another library's words.
  expect(JSON.stringify(await readiness.report())).toBe(
    JSON.stringify({ status: 'ready', checks: { redis, database } }),
  );
});

test('what is unhealthy does, and the other checks are told beside it', async () => {
  const { readiness } = await open({ broken, redis, database });
  expect(JSON.stringify(await readiness.report())).toBe(
    JSON.stringify({ status: 'not_ready', checks: { broken, redis, database } }),
  );
});

test('a process that is closed still says how it is', async () => {
  const { app, readiness } = await open({ database });
  app.get(Lifecycle).drain();
  await app.close();
  const draining = { status: 'unhealthy', reason: 'draining' };
  expect(await readiness.report()).toEqual({ status: 'not_ready', checks: { database, process: draining } });
});

test('a check that throws is a defect, and whoever asks learns of it', async () => {
  const { readiness } = await open({});
  readiness.add('defect', () => Promise.reject(new Error('no such table')));
  await expect(readiness.report()).rejects.toThrow('no such table');
});

test('/metrics tells what was found last', async () => {
  const { app, readiness, told } = await open({ broken, redis, database });
  await readiness.report();
  expect(await told()).toEqual({ broken: 0, redis: 0.5, database: 1, process: 1 });
  app.get(Lifecycle).drain();
  await readiness.report();
  expect(await told()).toMatchObject({ database: 1, process: 0 });
});

test('who scrapes waits for nothing that does not answer', async () => {
  const { readiness, told } = await open({});
  let answer: (result: CheckResult) => void = () => expect(true).toBe(false);
  readiness.add(
    'dead',
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  const report = readiness.report();
  expect(await told()).toEqual({});
  answer(broken);
  await report;
  expect(await told()).toEqual({ dead: 0, process: 1 });
});
