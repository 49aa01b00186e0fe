import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// A dashboard asks for what the application really tells: a panel whose metric or label is misspelled is empty, and nobody
// sees why.

/** What Prometheus itself adds to each sample. */
const ofPrometheus = ['instance', 'job'];

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly datasource: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig: { readonly defaults: { readonly unit?: string } };
  readonly targets: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
}

export interface Dashboard {
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

export type Samples = Map<string, Map<string, Set<string>>>;

/** Of each metric its labels, and of each label its values. */
export function samplesOf(text: string): Samples {
  const found: Samples = new Map();
  for (const line of text.split('\n')) {
    const [, name, labels = ''] = /^([a-z_]\w*)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (name === undefined) continue;
    const known = found.get(name) ?? new Map<string, Set<string>>();
    found.set(name, known);
    for (const [, label = '', value = ''] of labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g))
      known.set(kept(label), (known.get(kept(label)) ?? new Set()).add(value));
  }
  return found;
}

/** As Prometheus names a label of the application that it has itself. */
function kept(label: string): string {
  return ofPrometheus.includes(label) ? `exported_${label}` : label;
}

export function asked(expr: string): Asked {
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

/** A file of docker/grafana. */
export function dashboardAt(name: string): Dashboard {
  return JSON.parse(readFileSync(join(__dirname, '../../docker/grafana', name), 'utf8')) as Dashboard;
}

/** Its expressions with the titles of their panels. */
export function targetsOf({ panels }: Dashboard) {
  return panels.flatMap(({ title, targets }) => targets.map((target) => ({ title, ...target })));
}

/** One expression, against what /metrics has told. */
export function expectAnswered({ expr, legendFormat }: Panel['targets'][number], samples: Samples): void {
  const { metrics, groups, matchers } = asked(expr);
  expect(metrics).toHaveLength(1);
  const labels = samples.get(metrics[0] as string);
  expect([metrics[0], labels]).toEqual([metrics[0], expect.anything()]);
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
}

/** Of the application's metrics of these names none is left out, but what `but` says. */
export function expectComplete(dashboard: Dashboard, samples: Samples, names: RegExp): void {
  const shown = new Set(targetsOf(dashboard).flatMap(({ expr }) => asked(expr).metrics));
  const told = [...samples.keys()].filter((name) => names.test(name) && !/_(sum|count)$/.test(name));
  expect([...shown].filter((name) => names.test(name)).sort()).toEqual(told.sort());
}

/** Each panel has a title, words and a unit, on a place of its own; processes can be chosen. */
export function expectWellMade(dashboard: Dashboard, samples: Samples): void {
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
}
