import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bench } from './run-bench';

interface Ratio {
  readonly name: string;
  readonly other: string;
  readonly median: number;
}

interface Results {
  readonly database: { readonly dialect: string };
  readonly quiet: { readonly conclusive: boolean; readonly reasons: readonly string[] };
  readonly scenarios: readonly { readonly scenario: string; readonly ratios: readonly Ratio[] }[];
  readonly lost: readonly { readonly players: number; readonly differing: number }[];
  readonly ended: { readonly code: number };
}

describe('npm run bench', () => {
  it('prints ratios before figures, loses nothing, keeps all of it as JSON, and judges only on a quiet machine', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bench-'));
    try {
      const json = join(folder, 'bench.json');
      const { status, said } = await bench('--quick', '--only', 'single', '--json', json);
      expect(said).toContain('XP = points');
      expect(status).toBe(0);
      expect(said.indexOf('throughput: Aerie / bare Fastify')).toBeLessThan(said.indexOf('p50 ms'));
      const { database, quiet, scenarios, lost, ended } = JSON.parse(await readFile(json, 'utf8')) as Results;
      expect(database.dialect).toBe('sqlite');
      expect(scenarios.map(({ scenario }) => scenario)).toEqual(['single']);
      const compared = scenarios[0]!.ratios.map(({ name, other }) => `${name} / ${other}`);
      expect(compared).toContain('Aerie, consumers off / bare Fastify');
      expect(scenarios[0]!.ratios.every(({ median }) => median > 0)).toBe(true);
      expect(lost).toMatchObject([{ differing: 0 }]);
      expect(lost[0]!.players).toBeGreaterThan(0);
      expect(ended.code).toBe(0);
      expect(quiet.conclusive).toBe(quiet.reasons.length === 0);
      expect(said.includes('NO CONCLUSIONS')).toBe(!quiet.conclusive);
      expect(said.includes('not judged')).toBe(!quiet.conclusive);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it.each([
    [['--only', 'nothing'], 'There is no scenario nothing'],
    [['nothing'], 'There is no scenario nothing'],
    [['--rounds', 'many'], '--rounds must be a whole number from 1'],
    [['--against', '/nowhere'], '--against wants a dist folder'],
    [['--database', 'oracle'], '--database must be sqlite, postgres, mariadb'],
  ])('refuses %j and says why', async (args, words) => {
    expect(await bench(...args)).toEqual({ status: 64, said: expect.stringContaining(words) });
  });
});
