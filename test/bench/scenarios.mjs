// What is measured, in order. A scenario answers `{ title, medians, ratios, rounds }`: one line for each contestant.
import { measureChat } from './chat.mjs';
import { measureDrain } from './drain.mjs';
import { measureFairness } from './fairness.mjs';
import { measureMigrate } from './migrate.mjs';
import { measureReads } from './reads.mjs';
import { measureRounds } from './rounds.mjs';
import { measureSizing } from './sizing.mjs';
import { measureBuses, measureRedis, measureSplit } from './split.mjs';
import { measureStarts } from './start.mjs';
import { measureTicketing, ticketing } from './ticketing.mjs';
import { measureTracing } from './tracing.mjs';
import { measureWires } from './wires.mjs';

const full = ['rate', 'perCpuSecond'];
const latencies = ['p50', 'p95', 'p99', 'perCpuSecond'];

// Requests to have ready for a second: more than any server here answers.
const loads = {
  single: { title: 'single events over HTTP', wire: 'single', size: 1, seconds: 5, perSecond: 30_000, bare: 45_000 },
  unary: { title: 'single events over gRPC', wire: 'unary', size: 1, seconds: 3, perSecond: 15_000 },
  stream: { title: 'gRPC stream, 100 a message', wire: 'stream', size: 100, seconds: 5, perSecond: 1500 },
  'batch-kind': {
    title: 'batches of 500, no rewards',
    wire: 'batch',
    size: 500,
    mix: 'kind',
    seconds: 5,
    perSecond: 300,
  },
  'batch-rewards': {
    title: 'batches of 500 that earn rewards',
    wire: 'batch',
    size: 500,
    mix: 'rewards',
    seconds: 5,
    perSecond: 300,
  },
};

/** The names of the scenarios that run when none is asked for. */
export const byDefault = [...Object.keys(loads), 'reads', 'drain', 'start', 'paced-500', 'paced-5000', 'fairness'];

/** Of something else than events: only when asked for. */
export const apart = ['chat', 'sizing', 'tracing', 'migrate', ...ticketing];

/** Names that stand for several scenarios. */
export const groups = { ticketing };

/** Those that are about several processes, which need a database server, and minutes each. */
export const ofProcesses = ['split', 'redis', 'buses', 'wires'];

const others = {
  reads: measureReads,
  drain: measureDrain,
  start: measureStarts,
  fairness: measureFairness,
  chat: measureChat,
  sizing: measureSizing,
  tracing: measureTracing,
  migrate: measureMigrate,
  ...Object.fromEntries(ticketing.map((name) => [name, (bench) => measureTicketing(bench, name)])),
  split: measureSplit,
  redis: measureRedis,
  buses: measureBuses,
  wires: measureWires,
  'paced-500': (bench) => paced(bench, 500, true),
  // On the process that all of the above has used: what it keeps in memory is measured, too.
  'paced-5000': (bench) => paced(bench, 5000, false),
};

/** Measures the scenario of this name on what `bench` holds. */
export function measure(bench, name) {
  return others[name] ? others[name](bench) : load(bench, name);
}

async function load(bench, name) {
  const { perSecond, bare, ...rest } = loads[name];
  const seconds = bench.options.seconds ?? rest.seconds;
  const connections = rest.wire === 'batch' ? 8 : bench.options.connections;
  const scenario = { mix: 'usual', ...rest, connections, seconds, requests: perSecond * seconds };
  const of = (subjects) => subjects.map((subject) => ({ subject, scenario }));
  // Intake alone and everything, both beside the bare handler in the same rounds.
  const beside = [{ subject: bench.bare, scenario: { ...scenario, requests: bare * seconds } }, ...of(bench.intakes)];
  const entrants = [...(name === 'single' ? beside : []), ...of(bench.builds)];
  const found = await measureRounds(bench, { title: rest.title, entrants, compare: full, pairs: pairsOf(bench, name) });
  // They would only use memory from now on.
  if (name === 'single') for (const intake of bench.intakes) await intake.stop();
  return found;
}

function pairsOf(bench, name) {
  const [ours, theirs] = bench.builds;
  const [intake, otherIntake] = bench.intakes;
  const pairs = [];
  if (name === 'single')
    pairs.push([intake.name, bench.bare.name], [ours.name, bench.bare.name], [ours.name, intake.name]);
  if (name === 'single' && theirs) pairs.push([intake.name, otherIntake.name]);
  if (theirs) pairs.push([ours.name, theirs.name]);
  return pairs;
}

/** `fresh`: on a database of its own, each round on a process that has just started and counts from its first request. */
export async function paced(bench, rate, fresh) {
  const seconds = bench.options.seconds ?? 10;
  const { connections } = bench.options;
  const scenario = { wire: 'single', mix: 'usual', size: 1, rate, connections, seconds, requests: rate * seconds + 1 };
  const title = `single events over HTTP, paced ${rate.toLocaleString('en')}/s${fresh ? ' from the first request' : ''}`;
  const subjects = fresh ? bench.builds.map((build) => bench.another(build)) : bench.builds;
  const entrants = subjects.map((subject) => ({ subject, scenario }));
  const found = await measureRounds(bench, { title, entrants, compare: latencies, pairs: bench.pairs, fresh });
  if (fresh) for (const subject of subjects) await subject.stop();
  return found;
}
