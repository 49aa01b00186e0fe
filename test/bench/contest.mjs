// Measurements of several servers in one run, in turn: what disturbs the machine for a while disturbs all of them alike.
import { medianRow, spread } from './statistics.mjs';

/**
 * `contestants`: `{ name, run }`, where `run` answers a row; `pairs`: names of which the first is divided by the second.
 * `compare`: the numbers of a row that are divided. Each round runs all of them, in the opposite order of the round before. `warm` runs them once before, uncounted.
 * Ratios are taken within a round, so that they compare what ran at the same time.
 */
export async function contest({ contestants, pairs, compare, rounds, warm }) {
  if (warm) for (const contestant of contestants) await warm(contestant);
  const rows = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? contestants : [...contestants].reverse();
    for (const { name, run } of order) rows.get(name).push(await run());
  }
  return {
    medians: [...rows].map(([name, all]) => ({ ...medianRow(all), name })),
    ratios: pairs.flatMap(([name, other]) =>
      compare.map((key) => ratioOf(name, other, key, rows.get(name), rows.get(other))),
    ),
    rounds: Object.fromEntries(rows),
  };
}

/** `sides`: of each build the names of what is compared. Each by those before it, and of one build by that of the other. */
export function pairsOf(sides) {
  const within = sides.flatMap((names) =>
    names.flatMap((name, index) => names.slice(0, index).map((other) => [name, other])),
  );
  const [ours, theirs] = sides;
  return [...within, ...(theirs ? ours.map((name, index) => [name, theirs[index]]) : [])];
}

/** What may be compared, in words. Of work per CPU second and of rates more is better, of the others less. */
const words = {
  rate: 'throughput',
  perCpuSecond: 'work per CPU second',
  wholeUs: 'CPU each, with apply',
  bothUs: 'CPU each of both sides',
  p50: 'p50',
  p95: 'p95',
  p99: 'p99',
  progressP50: 'p50 until XP shows it',
  progressP99: 'p99 until XP shows it',
  boardP50: 'p50 until the board shows it',
  boardP99: 'p99 until the board shows it',
  startedMs: 'time until ready',
  idleMb: 'memory when idle',
};

function ratioOf(name, other, key, rows, others) {
  const values = rows.map((row, round) => row[key] / others[round][key]);
  return { name, other, key, what: words[key], ...spread(values) };
}
