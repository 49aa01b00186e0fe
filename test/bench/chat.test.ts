import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluate } from './evaluate';
import { bench } from './run-bench';

interface Row {
  readonly name: string;
  readonly lines: number;
  readonly events: number;
  readonly rate: number;
  readonly p99: number;
  readonly missed: number;
  readonly gone: number;
  readonly kbEach: number;
}

interface Results {
  readonly scenarios: readonly { readonly title: string; readonly medians: readonly Row[] }[];
}

interface Targets {
  printTargets(run: object): boolean;
}

interface Wires {
  stampsOf(text: string): number[];
}

test('everybody hears everything, in Aerie and in the bare server, also beside somebody who reads nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    const json = join(folder, 'bench.json');
    const { status, said } = await bench('chat', '--quick', '--json', json);
    expect({ status, said }).toMatchObject({ status: 0 });
    expect(said.indexOf('throughput: Aerie / bare net')).toBeLessThan(said.indexOf('KB a client'));
    const { scenarios } = JSON.parse(await readFile(json, 'utf8')) as Results;
    const crowds = ['chat, 100 TCP clients', 'chat, 100 WebSocket clients'];
    const doing = ['as fast as they hear', 'as fast as they hear, 1 more read nothing', 'paced 1,000 deliveries/s'];
    expect(scenarios.map(({ title }) => title)).toEqual(
      crowds.flatMap((crowd) => doing.map((what) => `${crowd}, ${what}`)),
    );
    for (const { title, medians } of scenarios) {
      expect(medians.map(({ name }) => name)).toEqual(title.includes('TCP') ? ['Aerie', 'bare net'] : ['Aerie']);
      for (const row of medians) {
        expect(row).toMatchObject({ missed: 0, gone: 0, events: 100 * row.lines });
        for (const figure of [row.lines, row.rate, row.p99]) expect(figure).toBeGreaterThan(0);
        expect(Number.isFinite(row.kbEach)).toBe(true);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a stamp is found in the lines of either server, and in a frame', () => {
  const found = evaluate<Wires, number[]>('chat-wires.mjs', ({ stampsOf }) =>
    stampsOf('u12: @1500;xxxx\nSYSTEM: u13 joined\n@2500;xxxx\n{"text":"@3500;xx"}'),
  );
  expect(found).toEqual([1500, 2500, 3500]);
});

test('the goals stand beside what was measured', () => {
  const said = evaluate<Targets, string[]>('targets.mjs', ({ printTargets }) => {
    const lines: string[] = [];
    console.log = (line: string) => lines.push(line);
    const of = (what: string, row: object) => ({
      scenario: 'chat',
      title: `chat, 1,000 TCP clients, ${what}`,
      ratios: [],
      medians: [{ name: 'Aerie', ...row }],
    });
    const found = [
      of('as fast as they hear', { rate: 400_000, kbEach: 21, clients: 1000 }),
      of('paced 100,000 deliveries/s', { p99: 12, clients: 1000 }),
    ];
    printTargets({ found, lost: [], ended: undefined, conclusive: true, dialect: 'sqlite' });
    return lines.filter((line) => line.includes('chat'));
  });
  expect(said).toEqual([
    expect.stringMatching(/^deliveries of chat.* >= 300,000\/s +400,000\/s +yes$/),
    expect.stringMatching(/^p99 of chat at 100,000 deliveries\/s.* < 50\.0 ms +12\.0 ms +yes$/),
    expect.stringMatching(/^memory of a chat client.* < 20\.0 KB +21\.0 KB +NO$/),
  ]);
});
