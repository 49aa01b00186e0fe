import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { type AppProcess, startApp } from '../support/app';
import { read, root, yaml } from '../support/deployment';
import { eventually } from '../support/eventually';
import {
  asked,
  dashboardAt,
  expectAnswered,
  expectComplete,
  expectWellMade,
  type Samples,
  samplesOf,
  targetsOf,
} from '../support/grafana';
import { pathOf } from '../support/programs';
import { type Prometheus, startPrometheus } from '../support/prometheus';
import { type RedisServer, startRedis } from '../support/redis';
import { createDatabase, type DatabaseServer, startPostgres } from '../support/servers';
import { WholeLoad } from '../support/whole-load';
import { databaseFaults } from './alarms.database';
import { eventFaults } from './alarms.events';
import { jobFaults } from './alarms.jobs';
import { processFaults } from './alarms.process';
import { saleFaults } from './alarms.sales';

// ISSUE 14, must hold 3: a real Prometheus asks a real process under events, chat and a sale. What dashboards ask is answered,
// alerts are silent, and each fault that is made rings and ends; alarms.*.test.ts make the others.

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

const rulesFile = join(root, 'docker/prometheus/rules.yml');
const rules = yaml<{ groups: { rules: Rule[] }[] }>('docker/prometheus/rules.yml').groups.flatMap(
  (group) => group.rules,
);
const boards = readdirSync(join(root, 'docker/grafana')).filter((name) => name.endsWith('.json'));
const targets = boards.flatMap((board) => targetsOf(dashboardAt(board)).map((target) => ({ board, ...target })));

/** Empty while all is well; each with its reason. */
const emptyWhileWell: Readonly<Record<string, string>> = {
  'HTTP errors a second': 'no answer was 500 or above',
  'HTTP errors by feature': 'no answer was 500 or above',
  'gRPC errors by feature': 'no call ended by the fault of the server',
};
/** Of what the application tells only under certain settings, or after what does not happen here. */
const absent = {
  tls_certificate_expiry_timestamp_seconds: 'gRPC speaks no TLS here; test/app/gauges.test.ts',
} as const;

const promtool = (...args: readonly string[]): string =>
  execFileSync(pathOf('promtool'), args, { cwd: join(root, 'docker/prometheus'), encoding: 'utf8' });

describe('the rules', () => {
  test('promtool finds nothing to say, and each alert rings on its fault and ends', () => {
    expect(promtool('check', 'config', '--lint-fatal', 'prometheus.yml')).toContain(`${rules.length} rules found`);
    expect(promtool('test', 'rules', 'rules.test.yml')).toContain('SUCCESS');
    const tests = yaml<{ tests: { alert_rule_test: { alertname: string; exp_alerts: object[] }[] }[] }>(
      'docker/prometheus/rules.test.yml',
    ).tests.flatMap((one) => one.alert_rule_test);
    for (const { alert } of rules) {
      const rings = tests.filter(({ alertname }) => alertname === alert).map(({ exp_alerts: rung }) => rung.length);
      expect([alert, rings.slice(0, 3)]).toEqual([alert, [0, 1, 0]]);
    }
  });

  test.each(rules)('$alert says how bad it is, what has happened and where to read on', (rule) => {
    expect(rule.for).toMatch(/^[1-9]\d*[mh]$/);
    expect(['critical', 'warning']).toContain(rule.labels.severity);
    const { summary, description, runbook } = rule.annotations;
    expect([summary, description]).toEqual([expect.stringMatching(/^[A-Z]/), expect.stringMatching(/\.$/)]);
    expect(runbook).toBe(`README.md, When it rings, ${rule.alert}`);
  });

  test('each rings, and ends, for a fault that is made for real: test/app/alarms.*.test.ts', () => {
    const faults = [databaseFaults, eventFaults, jobFaults, processFaults, saleFaults].flat();
    const rung = new Set(faults.flatMap(({ rings }) => rings));
    expect([...rung].sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });

  test('the README has a paragraph for each, and for no other', () => {
    const [, section = ''] = read('README.md').split('\n## When it rings\n');
    const told = [...(section.split('\n## ')[0] ?? '').matchAll(/^\*\*(Aerie\w+)\.\*\* \w/gm)].map(([, name]) => name);
    expect(told).toEqual(rules.map(({ alert }) => alert));
  });
});

const seconds = (text: string): string => text.replace(/\[[25]m\]/g, '[5s]').replace(/for: \w+/g, 'for: 0s');
const filledIn = (expr: string): string => expr.replace(/\$__rate_interval/g, '20s').replace(/\$instance/g, '.*');

let postgres: DatabaseServer;
let redis: RedisServer;
let databaseUrl: string;
let app: AppProcess;
let prometheus: Prometheus;
let load: WholeLoad;
let text: string;
let samples: Samples;

beforeAll(async () => {
  [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  databaseUrl = await createDatabase(postgres.url);
  app = await startApp({ databaseUrl, env: { REDIS_URL: redis.url } });
  prometheus = await startPrometheus(app.url.replace('http://', ''), seconds(read(rulesFile.slice(root.length + 1))));
  load = new WholeLoad(app);
  await eventually(async () => expect([load.rounds > 2, load.failure]).toEqual([true, undefined]));
  text = await (await fetch(`${app.url}/metrics`)).text();
  samples = samplesOf(text);
});
afterAll(async () => {
  for (const one of [load, prometheus, app, redis, postgres]) await one[Symbol.asyncDispose]();
});

describe('while all is well', () => {
  test('promtool has nothing to say of /metrics', () => {
    const { stdout, stderr, status } = spawnSync(pathOf('promtool'), ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    });
    expect([stdout, stderr, status]).toEqual(['', '', 0]);
  });

  test.each(rules)('$alert asks for metrics that there are, and is silent', async ({ expr }) => {
    const names = namesIn(expr);
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !samples.has(name) && name !== 'up' && !(name in absent))).toEqual([]);
    await eventually(async () => expect(await prometheus.query(expr)).toEqual([]));
  });

  test.each(targets)('$board, $title, $refId is answered', async (target) => {
    const { title, expr } = target;
    if (title in emptyWhileWell) return expect(await prometheus.query(filledIn(expr))).toEqual([]);
    expectAnswered(target, samples);
    await eventually(async () => {
      const values = (await prometheus.query(filledIn(expr))).map(({ value }) => Number(value[1]));
      // A quantile of nothing is no number.
      expect([expr, values.filter(Number.isFinite)]).toEqual([expr, expect.arrayContaining([expect.any(Number)])]);
    });
  });

  test.each(boards)('%s is well made', (board) => {
    const dashboard = dashboardAt(board);
    expect(dashboard.uid).toBe(`aerie-${board.replace('.json', '')}`);
    expectWellMade(dashboard, samples);
  });

  test.each([
    [
      'events',
      /^(events_ingest|events_fairness|dropped_|dead_|consumer_|progression_(?!get|claim|list)|rewards_|bus_|outbox_)/,
    ],
    ['fairness', /^(fairness|anomaly)_/],
    ['leaderboards', /^leaderboard_/],
  ])('no metric is left out of %s', (board, names) => expectComplete(dashboardAt(`${board}.json`), samples, names));
});

/** Every name of a metric: what is called, what is a label, and what a word of the language is are none. */
function namesIn(expr: string): string[] {
  const plain = expr.replace(/"[^"]*"/g, ' ').replace(/\b(by|on) \([^)]*\)/g, ' ');
  const words = new Set(['and', 'or', 'on', 'by', 'unless']);
  return asked(plain).metrics.filter((name) => !words.has(name));
}

describe('a fault that is made', () => {
  const rings = (alert: string) => eventually(async () => expect([...(await prometheus.ringing())]).toContain(alert));
  const ends = (alert: string) =>
    eventually(async () => expect([...(await prometheus.ringing())]).not.toContain(alert));

  async function withPostgres(work: (client: Client) => Promise<void>): Promise<void> {
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    await work(client).finally(() => client.end());
  }
  const setUp = (setting: string): Promise<void> =>
    withPostgres(async (client) => {
      await client.query(setting);
      await client.query('SELECT pg_reload_conf()');
    });

  test('the database is killed: the process is not ready, and it is told without it', async () => {
    await postgres.kill();
    await rings('AerieNotReady');
    expect([...(await prometheus.ringing())]).not.toContain('AerieProcessDown');
    await postgres.start();
    await ends('AerieNotReady');
  });

  test('the database takes no writes', async () => {
    await setUp('ALTER SYSTEM SET default_transaction_read_only = on');
    await rings('AerieDatabaseUnwritable');
    await setUp('ALTER SYSTEM RESET default_transaction_read_only');
    await ends('AerieDatabaseUnwritable');
  });

  test('a consumer is stopped', async () => {
    await withPostgres(async (client) => {
      await client.query('BEGIN');
      await client.query('LOCK TABLE progression_players IN ACCESS EXCLUSIVE MODE');
      await rings('AerieConsumerStuck');
    });
    await ends('AerieConsumerStuck');
  });

  test('the process stands still', async () => {
    process.kill(app.pid, 'SIGSTOP');
    await rings('AerieProcessDown');
    process.kill(app.pid, 'SIGCONT');
    await ends('AerieProcessDown');
  });
});
