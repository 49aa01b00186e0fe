import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { startRedis } from '../../support/redis';
import { openApp } from '../../support/wires';
import { GrpcClient, TcpClient, WsClient } from './clients';

// docker/grafana/chat.json asks for what the application really tells: a panel whose metric or label is misspelled is empty,
// and nobody sees why.

const file = join(__dirname, '../../../docker/grafana/chat.json');
/** What Prometheus itself adds to each sample. */
const ofPrometheus = ['instance', 'job'];

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly datasource: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig: { readonly defaults: { readonly unit?: string } };
  readonly targets: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly title: string;
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
}

/** What an expression asks for. */
interface Asked {
  readonly metrics: readonly string[];
  /** By which it groups. */
  readonly groups: readonly string[];
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

type Samples = Map<string, Map<string, Set<string>>>;

/** Of each metric its labels, and of each label its values. */
function samplesOf(text: string): Samples {
  const found: Samples = new Map();
  for (const line of text.split('\n')) {
    const [, name, labels = ''] = /^([a-z_]+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (name === undefined) continue;
    const known = found.get(name) ?? new Map<string, Set<string>>();
    found.set(name, known);
    for (const [, label = '', value = ''] of labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g))
      known.set(label, (known.get(label) ?? new Set()).add(value));
  }
  return found;
}

function asked(expr: string): Asked {
  const groups: string[] = [];
  const matchers: Asked['matchers'][number][] = [];
  const rest = expr
    .replace(/\b(?:by|without) \(([^)]*)\)/g, (_all, labels: string) => {
      groups.push(...labels.split(',').map((label) => label.trim()));
      return ' ';
    })
    .replace(/\{([^}]*)\}/g, (_all, inside: string) => {
      for (const [, label = '', operator = '', value = ''] of inside.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g))
        matchers.push({ label, operator, value });
      return ' ';
    })
    .replace(/\[[^\]]*\]/g, ' ');
  const metrics = [...rest.matchAll(/[a-z_]\w*(?!\w|\s*\()/gi)].map(([name]) => name);
  return { metrics, groups, matchers };
}

/** A short conversation on three wires; answers /metrics after it. */
async function afterConversation(): Promise<Samples> {
  await using redis = await startRedis();
  await using database = await everyDatabase[0]!.create();
  await using app = await openApp(database.url, { CHAT_PORT: '0', REDIS_URL: redis.url });
  const clients = [new TcpClient(app.ports.chat as number), new WsClient(app.url), new GrpcClient(app.grpcAddress)];
  try {
    for (const [i, client] of clients.entries()) await client.enter(`user${i}`);
    for (const client of clients) client.say('hello');
    for (const client of clients) await eventually(async () => expect(client.said()).toHaveLength(3));
    const [leaving] = clients as [TcpClient];
    leaving.send('/exit\n');
    await leaving.ended;
    return samplesOf(await (await fetch(`${app.url}/metrics`)).text());
  } finally {
    for (const client of clients) client.close();
  }
}

const dashboard = JSON.parse(readFileSync(file, 'utf8')) as Dashboard;
const targets = dashboard.panels.flatMap(({ title, targets }) => targets.map((target) => ({ title, ...target })));
let samples: Samples;

beforeAll(async () => {
  samples = await afterConversation();
});

test.each(targets)('$title, $refId: $expr', ({ expr, legendFormat }) => {
  const { metrics, groups, matchers } = asked(expr);
  expect(metrics).toHaveLength(1);
  const labels = samples.get(metrics[0] as string);
  expect(labels).toBeDefined();
  const known = [...(labels?.keys() ?? []), ...ofPrometheus];
  expect(known).toEqual(expect.arrayContaining([...groups, ...matchers.map(({ label }) => label)]));
  for (const { label, value, operator } of matchers)
    if (operator === '=') expect([...(labels?.get(label) ?? [])]).toContain(value);
  const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
  expect(groups).toEqual(expect.arrayContaining(named));
  expect(expr.split('(').length).toBe(expr.split(')').length);
  // A histogram's quantile is one of its buckets, and what counts up is of interest by its rate.
  expect(/_bucket$/.test(metrics[0] as string)).toBe(expr.startsWith('histogram_quantile('));
  expect(/_(total|bucket)$/.test(metrics[0] as string)).toBe(expr.includes('[$__rate_interval]'));
});

test('no metric of chat is left out', () => {
  const shown = new Set(targets.flatMap(({ expr }) => asked(expr).metrics));
  const told = [...samples.keys()].filter((name) => name.startsWith('chat_') && !/_(sum|count)$/.test(name));
  expect([...shown].filter((name) => name.startsWith('chat_')).sort()).toEqual(told.sort());
});

test('each panel has a title, words and a unit, on a place of its own', () => {
  expect(dashboard).toMatchObject({ title: 'Aerie: chat', uid: 'aerie-chat' });
  const taken = new Set<string>();
  for (const { title, description, datasource, fieldConfig, gridPos, targets: own, type } of dashboard.panels) {
    expect([title, description, fieldConfig.defaults.unit]).toEqual(Array(3).fill(expect.stringMatching(/\w/)));
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in
    expect(datasource.uid).toBe('${datasource}');
    expect(['stat', 'timeseries']).toContain(type);
    expect(new Set(own.map(({ refId }) => refId)).size).toBe(own.length);
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken).not.toContain(`${x},${y}`);
        taken.add(`${x},${y}`);
      }
    }
  }
  for (const key of ['id', 'title'] as const)
    expect(new Set(dashboard.panels.map((panel) => panel[key])).size).toBe(dashboard.panels.length);
  expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'instance']);
  const { query } = dashboard.templating.list[1]!.query as { readonly query: string };
  expect([...samples.keys()]).toContain(/^label_values\((\w+), instance\)$/.exec(query)?.[1]);
});
