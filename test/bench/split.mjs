// What it costs, and what it brings, to run the system as several processes: each on a database of its own in the same
// server, and on a Redis of its own, side by side in one run.
import { hasSqs, redisVersion } from './backing.mjs';
import { pairsOf } from './contest.mjs';
import { lagWhile } from './lag.mjs';
import { fill, playerReads } from './reads.mjs';
import { measureRounds } from './rounds.mjs';

const rate = 200;
/** One of ten events is looked for: looking for all of them would be more work than the events are. */
const visible = { every: 10, everyMs: 10 };
/** Until then a call through two processes still costs twice what it costs later: each of them compiles its own part. */
const warmSeconds = 10;
const seen = ['progressP50', 'progressP99', 'boardP50', 'boardP99'];

const singles = {
  title: 'single events over HTTP',
  seconds: 5,
  compare: ['rate', 'p50', 'p99', 'wholeUs'],
  beside: lagWhile,
  scenario: { wire: 'single', mix: 'usual', size: 1 },
  perSecond: 15_000,
};
const batches = {
  title: 'batches of 500 that earn rewards',
  seconds: 5,
  compare: ['rate', 'p50', 'p99', 'wholeUs'],
  beside: lagWhile,
  scenario: { wire: 'batch', mix: 'rewards', size: 500, connections: 8 },
  perSecond: 150,
};
const sights = {
  title: `accepted -> visible, at ${rate} single events/s`,
  seconds: 10,
  compare: ['p50', 'p99', ...seen],
  beside: lagWhile,
  scenario: { wire: 'single', mix: 'usual', size: 1, rate, visible },
  perSecond: rate,
};
const reads = [
  { title: 'GET /players/:id/progress', of: playerReads.progress },
  { title: 'GET /leaderboard/players/:id, around', of: playerReads.around },
].map((read) => ({ ...read, seconds: 3, compare: ['rate', 'p50', 'p99'], scenario: { wire: 'read', size: 1 } }));

const whole = { name: 'one process', backing: ['redis'] };
const apart = { name: 'six processes', backing: ['redis'], split: true };

/** One process with everything, and the parts of `npm run start:split`. */
export function measureSplit(bench) {
  const notes = [
    'one process: BUS_KIND=inmem; six processes: gateway, fairness, leaderboard, progression, accounts, box-office; BUS_KIND=redis',
  ];
  return sideBySide(bench, [whole, apart], [singles, batches, sights, ...reads], notes);
}

/** One process, whose counters, cache and boards are its own, or in Redis. */
export function measureRedis(bench) {
  const layouts = [
    { name: 'without Redis' },
    { name: 'with Redis', backing: ['redis'], environment: { LEADERBOARD_INDEX: 'redis' } },
  ];
  const notes = [
    'with Redis: counters of fairness, cache, boards (LEADERBOARD_INDEX=redis); without: counters and boards in the process, no cache',
  ];
  return sideBySide(bench, layouts, [singles, batches, sights, ...reads], notes);
}

/** The split system on each bus that can be started here, and one process, whose bus does not leave it. */
export function measureBuses(bench) {
  const { layouts, notes } = buses(hasSqs());
  return sideBySide(bench, layouts, [sights], notes);
}

/** `withSqs`: an SQS can be started here. */
export function buses(withSqs) {
  return {
    layouts: [
      { ...whole, name: 'one process, inmem' },
      { ...apart, name: 'six processes, redis' },
      ...(withSqs ? [{ ...apart, name: 'six processes, sqs', backing: ['redis', 'sqs'] }] : []),
    ],
    notes: [
      withSqs
        ? "sqs: ElasticMQ on this machine; Amazon's servers are a network away"
        : 'left out: sqs, as no ElasticMQ is here (npm run test:foreign brings it, or TEST_SQS_URL names one)',
      "left out: servicebus, as the only server for it here is the tests' own in JavaScript, and Azure's would not be measured",
    ],
  };
}

/**
 * Each layout of each build, measured in turn; then compared with what was accepted, and ended. `layouts`: what
 * `Subject` is told; each is divided by those before it.
 */
async function sideBySide(bench, layouts, measurements, notes) {
  const store = await bench.serverStore();
  const sides = bench.builds.map((build) =>
    layouts.map((layout) => bench.another(build, { ...layout, name: bench.nameOf(build, layout.name), store })),
  );
  const subjects = sides.flat();
  const pairs = pairsOf(sides.map((side) => side.map(({ name }) => name)));
  for (const subject of subjects) {
    await fill(bench, subject);
    subject.rest();
  }
  const found = [];
  for (const measurement of measurements) found.push(await measureOne(bench, measurement, subjects, pairs));
  for (const subject of subjects) await bench.finish(subject);
  const servers = `${store.dialect} ${store.version}, Redis ${redisVersion()}; each system has a database and a Redis of its own`;
  return found.map((result, index) => (index === 0 ? { ...result, notes: [servers, ...notes] } : result));
}

async function measureOne(bench, { title, compare, of, scenario, beside, perSecond, ...rest }, subjects, pairs) {
  const seconds = bench.options.seconds ?? rest.seconds;
  const { connections } = bench.options;
  const entrants = subjects.map((subject) => {
    const load = of ? { reads: of(subject) } : { requests: perSecond * seconds + 1 };
    return { subject, beside, scenario: { connections, ...scenario, seconds, ...load } };
  });
  return measureRounds(bench, {
    title,
    entrants,
    compare,
    pairs,
    alone: true,
    warmSeconds: bench.options.quick ? 1 : warmSeconds,
  });
}
