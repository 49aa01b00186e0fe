// What the benchmark prints. It judges correctness (nothing lost, no 5xx) by its exit code, speed never.
import { cpus, loadavg, totalmem } from 'node:os';

const columns = [
  ['scenario', 28, (row) => row.name],
  ['events/s', 9, (row) => round(row.events / row.seconds)],
  ['p50 ms', 8, (row) => row.p50.toFixed(1)],
  ['p95', 7, (row) => row.p95.toFixed(1)],
  ['p99', 7, (row) => row.p99.toFixed(1)],
  ['max', 7, (row) => row.max.toFixed(0)],
  ['CPU %', 6, (row) => (row.cpu * 100).toFixed(0)],
  ['ev/CPU-s', 9, (row) => round(row.perCpuSecond)],
  ['RSS MB', 7, (row) => row.peakMb.toFixed(0)],
  ['applied/s', 10, (row) => (row.applyRate === undefined ? '' : round(row.appliedMeanwhile))],
  ['then/s', 8, (row) => (row.appliedAfter === undefined ? '' : round(row.appliedAfter))],
  ['behind s', 10, (row) => (row.behind === undefined ? '' : row.behind.toFixed(1))],
  ['lag p99 s', 11, (row) => (row.lagP99 === undefined ? '' : seconds(row.lagP99))],
  ['5xx', 6, (row) => String(fiveHundreds(row))],
  ['load CPU %', 12, (row) => (row.generatorCpu * 100).toFixed(0)],
];

function round(value) {
  return Math.round(value).toLocaleString('en');
}

function seconds(value) {
  return Number.isFinite(value) ? value.toFixed(3) : '> top';
}

/** Answers of 500 and above, gRPC's UNKNOWN, INTERNAL and UNAVAILABLE, and calls that got no answer at all. */
function fiveHundreds(row) {
  return Object.entries(row.statuses)
    .filter(([status]) => !/^([234]\d\d|OK|grpc (3|5|7|8|9|16))$/.test(status))
    .reduce((sum, [, count]) => sum + count, 0);
}

export function machine(database, players) {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const [busy] = loadavg();
  const disturbed =
    busy > 0.5
      ? `\nload average ${busy.toFixed(1)} before it began: something else runs here, and the figures are too low`
      : '';
  return `${cpus().length} x ${cpu.model}, ${memory} GiB, Node ${process.version}, ${database}, ${players} players; load and server on the same machine${disturbed}`;
}

export function rowHeading() {
  return columns.map(([title, width], index) => (index === 0 ? title.padEnd(width) : title.padStart(width))).join('');
}

export function printRow(row) {
  console.log(
    columns
      .map(([, width, text], index) => (index === 0 ? text(row).padEnd(width) : text(row).padStart(width)))
      .join(''),
  );
  const odd = Object.entries(row.statuses).filter(([status]) => !['200', '202', 'OK'].includes(status));
  if (odd.length > 0)
    console.log(`    not accepted: ${odd.map(([status, count]) => `${count} x ${status}`).join(', ')}`);
}

/** The table of targets; returns whether nothing was lost and nothing failed. */
export function printTargets({ rows, ratio, sums, stopped, coldStartMs }) {
  const { paced500: calm, paced5000: busy, batch, stream } = rows;
  const failed = Object.values(rows).reduce((sum, row) => sum + fiveHundreds(row), 0);
  const peak = Math.max(...Object.values(rows).map((row) => row.peakMb));
  const rate = (row) => row.events / row.seconds;
  const cores = cpus().length;
  const exact = sums.differing === 0 && sums.expected === sums.found;
  const hard = [
    ['p95 at 500/s from the first request', '< 80 ms', `${calm.p95.toFixed(1)} ms`, calm.p95 < 80],
    ['CPU at 500/s, of 2 cores', '< 70 %', `${((calm.cpu / 2) * 100).toFixed(0)} %`, calm.cpu / 2 < 0.7],
    ['RSS, the highest of all scenarios', '< 300 MB', `${peak.toFixed(0)} MB`, peak < 300],
    ['lag p99 at 500/s', '< 1 s', `${seconds(calm.lagP99)} s`, calm.lagP99 < 1],
    ['accepted in batches', '30,000/s', `${round(rate(batch))}/s`, rate(batch) >= 30_000],
    [
      'drain on SIGTERM',
      '2 s, exit 0',
      `${(stopped.ms / 1000).toFixed(1)} s, exit ${stopped.code}`,
      stopped.code === 0 && stopped.ms < 4000,
    ],
  ];
  const moonshots = [
    ['single HTTP of bare Fastify, throughput', '>= 0.6', ratio.throughput.toFixed(2), ratio.throughput >= 0.6],
    ['single HTTP of bare Fastify, per CPU-second', '>= 0.6', ratio.cpu.toFixed(2), ratio.cpu >= 0.6],
    ['accepted, batches of 500', '50,000/s', `${round(rate(batch))}/s`, rate(batch) >= 50_000],
    ['accepted, stream messages of 100', '50,000/s', `${round(rate(stream))}/s`, rate(stream) >= 50_000],
    ['p95 at 5,000/s', '< 10 ms', `${busy.p95.toFixed(1)} ms`, busy.p95 < 10],
    ['p99 at 5,000/s', '< 30 ms', `${busy.p99.toFixed(1)} ms`, busy.p99 < 30],
    ['RSS at 5,000/s', '< 200 MB', `${busy.peakMb.toFixed(0)} MB`, busy.peakMb < 200],
    ['5xx and unanswered', '0', String(failed), failed === 0],
    ['XP = points of accepted events', 'all players', `${sums.players - sums.differing} of ${sums.players}`, exact],
    ['cold start, median', '< 2 s', `${(coldStartMs / 1000).toFixed(2)} s`, coldStartMs < 2000],
  ];
  const line = ([what, target, found, met]) =>
    `${what.padEnd(44)}${target.padStart(14)}${found.padStart(20)}   ${met ? 'yes' : 'NO'}`;
  console.log(`\n${'Hard gates'.padEnd(44)}${'target'.padStart(14)}${'measured'.padStart(20)}   met`);
  for (const row of hard) console.log(line(row));
  console.log(`\n${'Moonshots'.padEnd(44)}${'target'.padStart(14)}${'measured'.padStart(20)}   met`);
  for (const row of moonshots) console.log(line(row));
  console.log(`\n${round(sums.expected)} points accepted, ${round(sums.found)} XP found on ${cores} cores`);
  return exact && failed === 0 && stopped.code === 0;
}
