// Calls between two processes by the application's own clients: the load generator is the one that calls, and what both
// use counts.
import { randomBytes } from 'node:crypto';
import { contest, pairsOf } from './contest.mjs';

// Fairness allows a player 10 events a second: in turn, so many may be asked about 40,000 times a second.
const players = 4000;
const concurrencies = [1, 16, 64];
/** Of each way, at the greatest concurrency: later measurements find both processes as they stay. */
const warmSeconds = 5;
const playerOf = (index) => `wire-${index}`;

const calls = [
  {
    title: 'check of fairness, one event',
    method: 'check',
    messageOf: (index) => ({
      events: [
        { eventId: `event-${index}`, type: 'progression', playerId: playerOf(index), points: 1 + (index % 999) },
      ],
    }),
  },
  { title: 'getPlayer of fairness', method: 'getPlayer', messageOf: (index) => ({ playerId: playerOf(index) }) },
];

// HTTP first: what comes later is divided by it.
const ways = [
  ['HTTP', 'http'],
  ['gRPC, one call each', 'grpc-unary'],
  ['gRPC, grouped on one stream', 'grpc-grouped'],
];

export async function measureWires(bench) {
  const store = await bench.serverStore();
  const bearer = randomBytes(24).toString('base64url');
  const environment = { INTERNAL_API_SECRET: bearer };
  const subjects = bench.builds.map((build) => bench.another(build, { store, environment }));
  const found = [];
  for (const call of calls)
    for (const connections of concurrencies)
      found.push(await measureCall(bench, subjects, call, { connections, bearer }));
  for (const subject of subjects) await bench.finish(subject);
  const notes = [
    `fairness counts in the process that is asked, without Redis; players are in ${store.dialect} ${store.version}`,
    'what is grouped in Aerie are calls of routes that say so, such as check; getPlayer travels by itself there',
    'us each: of the process that is asked; caller us: of the one that calls; both over loopback, without TLS',
  ];
  return found.map((result, index) => (index === 0 ? { ...result, notes } : result));
}

async function measureCall(bench, subjects, { title, method, messageOf }, { connections, bearer }) {
  const { rounds, quick, seconds = 3 } = bench.options;
  const isFirst = connections === concurrencies[0];
  const warm = isFirst && !quick ? { connections: concurrencies.at(-1), seconds: warmSeconds } : { seconds: 1 };
  const reads = Array.from({ length: players }, (_, index) => messageOf(index));
  const sides = subjects.map((subject) =>
    ways.map(([way, wire]) => {
      const scenario = { wire, size: 1, connections, seconds, reads, calls: { dist: subject.dist, method, bearer } };
      const once = async (settings) => rowOf(await subject.measure(bench.generator, { ...scenario, ...settings }));
      return { name: bench.nameOf(subject, way), run: () => once({}), warmUp: () => once(warm) };
    }),
  );
  const found = await contest({
    contestants: sides.flat(),
    pairs: pairsOf(sides.map((side) => side.map(({ name }) => name))),
    compare: ['rate', 'p50', 'p99', 'bothUs'],
    rounds,
    warm: ({ warmUp }) => warmUp(),
  });
  return { title: `${title}, ${connections} at a time`, ...found };
}

/** The generator is one side of what is measured here, and not what measures. */
export function rowOf({ generatorCpu, ...row }) {
  const callerUs = (generatorCpu * row.seconds * 1e6) / row.worked;
  return { ...row, callerCpu: generatorCpu, callerUs, bothUs: row.cpuUs + callerUs };
}
