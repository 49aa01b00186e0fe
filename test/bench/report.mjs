// What the bench prints: of each scenario the ratios first, then the figures behind them.
const nameWidth = 36;
const nameColumn = ['', nameWidth, (row) => `    ${row.name}`];
const columns = [
  nameColumn,
  ['per s', 9, (row) => whole(row.rate)],
  ['p50 ms', 8, (row) => fixed(row.p50, 1)],
  ['p95', 8, (row) => fixed(row.p95, 1)],
  ['p99', 8, (row) => fixed(row.p99, 1)],
  ['max', 7, (row) => fixed(row.max, 0)],
  ['CPU %', 7, (row) => percent(row.cpu)],
  ['us each', 9, (row) => fixed(row.cpuUs, 1)],
  ['with apply', 12, (row) => fixed(row.wholeUs, 1)],
  ['caller us', 11, (row) => fixed(row.callerUs, 1)],
  ['DB us', 8, (row) => (row.databaseUs > 0 ? fixed(row.databaseUs, 1) : '')],
  ['Redis us', 10, (row) => (row.redisUs > 0 ? fixed(row.redisUs, 1) : '')],
  ['SQS us', 8, (row) => (row.sqsUs > 0 ? fixed(row.sqsUs, 1) : '')],
  ['RSS MB', 8, (row) => fixed(row.peakMb ?? row.idleMb, 0)],
  ['KB a client', 13, (row) => fixed(row.kbEach, 1)],
  ['missed', 11, (row) => whole(row.missed)],
  ['applied/s', 11, (row) => whole(row.appliedRate)],
  ['sustained', 11, (row) => whole(row.sustained)],
  ['behind s', 10, (row) => fixed(row.behind, 1)],
  ['lag p99', 9, (row) => seconds(row.lagP99)],
  ['5xx', 6, (row) => (row.statuses ? String(failuresOf(row)) : '')],
  ['sold out s', 12, (row) => fixed(row.soldSeconds, 1)],
  ['tickets', 9, (row) => whole(row.tickets)],
  ['violations', 12, (row) => whole(row.violations)],
  ['ready ms', 10, (row) => whole(row.startedMs)],
  ['load CPU %', 12, (row) => percent(row.generatorCpu)],
];
// A table of its own: milliseconds from the 202 until a read shows it, and the lag in seconds that consumers tell, each asked
// for again and again.
const visibleColumns = [
  nameColumn,
  ['XP p50 ms', 11, (row) => fixed(row.progressP50, 1)],
  ['p95', 8, (row) => fixed(row.progressP95, 1)],
  ['p99', 8, (row) => fixed(row.progressP99, 1)],
  ['board p50 ms', 14, (row) => fixed(row.boardP50, 1)],
  ['p95', 8, (row) => fixed(row.boardP95, 1)],
  ['p99', 8, (row) => fixed(row.boardP99, 1)],
  ['XP lag p99 s', 14, (row) => fixed(row.progressionLagP99, 3)],
  ['board lag p99 s', 17, (row) => fixed(row.leaderboardLagP99, 3)],
  ['lag events', 12, (row) => whole(row.lagEventsP99)],
];
// Beyond this the generator's thread has no time left, and what is measured is the generator.
const generatorFull = 0.95;
const serverIdle = 0.9;

function whole(value) {
  return value === undefined ? '' : Math.round(value).toLocaleString('en');
}

function fixed(value, digits) {
  return value === undefined ? '' : value.toFixed(digits);
}

function percent(value) {
  return value === undefined ? '' : (value * 100).toFixed(0);
}

function seconds(value) {
  if (value === undefined) return '';
  return Number.isFinite(value) ? value.toFixed(3) : '> top';
}

/** Answers of 500 and above, gRPC's UNKNOWN, INTERNAL and UNAVAILABLE, and calls that got no answer at all. */
export function failuresOf(row) {
  return Object.entries(row.statuses ?? {})
    .filter(([status]) => !/^([234]\d\d|OK|grpc (3|5|7|8|9|16))$/.test(status))
    .reduce((sum, [, count]) => sum + count, 0);
}

export function printHeading({ machine, commit, against, store }, quiet) {
  const { cores, cpu, memoryGib, node, syncMs } = machine;
  console.log(
    `${cores} x ${cpu}, ${memoryGib} GiB, Node ${node}, ${store.dialect} (${store.version}), a sync takes ${syncMs.toFixed(2)} ms, commit ${commit}${against ? ` against ${against}` : ''}`,
  );
  console.log('Load and server share the machine.');
  printQuiet(quiet);
}

/** How busy others keep the machine; what that means for the figures stands in a line of its own. */
export function printQuiet({ loadBefore, othersBefore, stealBefore, othersDuring, stealDuring, conclusive, reasons }) {
  const used = (cores, steal) => `others used ${cores.toFixed(2)} cores, stolen ${(steal * 100).toFixed(1)} %`;
  console.log(`Before it began: load ${loadBefore.toFixed(2)}, ${used(othersBefore, stealBefore)}.`);
  if (othersDuring !== undefined) console.log(`During the run: ${used(othersDuring, stealDuring)}.`);
  if (!conclusive)
    console.log(`NO CONCLUSIONS: ${reasons.join('; ')}. The figures show that the bench works, no more.`);
}

/** One scenario: its ratios, then the median of each figure over the rounds, and what else there is to say. */
export function printResult({ title, ratios, medians, notes = [] }) {
  console.log(`\n${title}`);
  for (const { name, other, what, median, min, max } of ratios)
    console.log(`    ${median.toFixed(3)} (${min.toFixed(3)} to ${max.toFixed(3)})  ${what}: ${name} / ${other}`);
  printTable(columns, medians, printOdd);
  if (medians.some((row) => row.lagSamples !== undefined)) printTable(visibleColumns, medians);
  for (const note of notes) console.log(`        ${note}`);
}

/** `after`: prints what belongs below a row. */
function printTable(all, rows, after = () => {}) {
  const used = all.filter(([, , text], index) => index === 0 || rows.some((row) => text(row) !== ''));
  const line = (textOf) => console.log(lineOf(used.map(textOf), used));
  line(([heading]) => heading);
  for (const row of rows) {
    line(([, , text]) => text(row));
    after(row);
  }
}

function lineOf(texts, used) {
  return texts
    .map((text, index) => (index === 0 ? text.padEnd(used[index][1]) : text.padStart(used[index][1])))
    .join('');
}

function printOdd(row) {
  const odd = Object.entries(row.statuses ?? {}).filter(([status]) => !['200', '201', '202', 'OK'].includes(status));
  if (odd.length > 0)
    console.log(`        not accepted: ${odd.map(([status, count]) => `${count} x ${status}`).join(', ')}`);
  if (row.generatorCpu > generatorFull && row.cpu < serverIdle)
    console.log('        the load generator was full and the server was not: this is what the generator can do');
  if (row.lateP99 > 2) console.log(`        the generator itself sent late: p99 ${row.lateP99.toFixed(1)} ms`);
}
