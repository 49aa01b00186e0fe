import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluate } from './evaluate';
import { bench } from './run-bench';

interface Row {
  readonly name: string;
  readonly events: number;
  readonly rate: number;
  readonly p99: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly soldSeconds: number;
  readonly tickets: number;
  readonly violations: number;
}

interface Ratio {
  readonly name: string;
  readonly other: string;
  readonly median: number;
}

interface Results {
  readonly scenarios: readonly {
    readonly title: string;
    readonly medians: readonly Row[];
    readonly ratios: readonly Ratio[];
  }[];
}

interface Targets {
  printTargets(run: object): boolean;
}

test('polls beside a bare handler, joins and holds of as many people, and a drop that both audits find right', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    const json = join(folder, 'bench.json');
    const { status, said } = await bench('ticketing', '--quick', '--json', json);
    expect({ status, said }).toMatchObject({ status: 0 });
    expect(said.indexOf('throughput: Aerie / bare Fastify')).toBeLessThan(said.indexOf('p50 ms'));
    expect(said).toMatch(/violations that audits found +0 +0 +yes/);
    const { scenarios } = JSON.parse(await readFile(json, 'utf8')) as Results;
    const [polls, ...others] = scenarios;
    expect(polls).toMatchObject({ title: 'GET /queue/status of a waiting room' });
    expect(polls!.medians.map(({ name }) => name)).toEqual(['bare Fastify', 'Aerie']);
    for (const { statuses, rate } of polls!.medians) {
      expect(Object.keys(statuses)).toEqual(['200']);
      expect(rate).toBeGreaterThan(0);
    }
    expect(polls!.ratios.every(({ median }) => median > 0)).toBe(true);
    const [joins, byQuantity, bySeat, drop] = others.map(({ title, medians: [row] }) => ({ title, row: row! }));
    expect(joins).toMatchObject({ title: 'joins of a waiting room', row: { events: 200, statuses: { 202: 200 } } });
    for (const [holds, kind] of [[byQuantity, 'by quantity'] as const, [bySeat, 'by seat'] as const])
      expect(holds).toMatchObject({
        ...{ title: `holds of one section, ${kind}`, row: { events: 200, statuses: { 201: 200 } } },
      });
    expect(drop).toMatchObject({ title: 'a drop at 200 people', row: { tickets: 20, violations: 0 } });
    for (const { row } of [joins!, byQuantity!, bySeat!]) expect(row.p99).toBeGreaterThan(0);
    expect(drop!.row.soldSeconds).toBeGreaterThan(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the goals stand beside what was measured, and what an audit finds is a failure', () => {
  const [right, wrong] = evaluate<Targets, { whole: boolean; said: string[] }[]>('targets.mjs', ({ printTargets }) => {
    const title = 'GET /queue/status of a waiting room';
    const ratios = [{ name: 'Aerie', other: 'bare Fastify', key: 'rate', median: 0.7 }];
    const polls = { scenario: 'ticketing', title, ratios, medians: [{ name: 'Aerie', rate: 19_000 }] };
    return [0, 2].map((violations) => {
      const said: string[] = [];
      console.log = (line: string) => said.push(line);
      const drop = { scenario: 'ticketing', title: 'a drop', ratios: [], medians: [{ name: 'Aerie', violations }] };
      const found = [polls, drop];
      const whole = printTargets({ found, lost: [], ended: undefined, conclusive: true, dialect: 'sqlite' });
      return { whole, said };
    });
  });
  expect(right?.said).toContainEqual(expect.stringMatching(/^polls of a waiting room of bare.* >= 0.60 +0.70 +yes$/));
  expect(right?.said).toContainEqual(expect.stringMatching(/^polls of a waiting room +>= 20,000\/s +19,000\/s +NO$/));
  expect(right?.said).toContainEqual(expect.stringMatching(/^violations that audits found +0 +0 +yes$/));
  expect(wrong?.said).toContainEqual(expect.stringMatching(/^violations that audits found +0 +2 +NO$/));
  expect([right?.whole, wrong?.whole]).toEqual([true, false]);
});
