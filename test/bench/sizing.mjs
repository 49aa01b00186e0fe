// What one core carries: the application is held on the first core, all else of the bench on the others. `sustained` counts until
// consumers have applied what was accepted. Afterwards: what an event takes on the database's disk.
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { familyPids } from './machine.mjs';
import { fill, playerReads } from './reads.mjs';
import { measureRounds } from './rounds.mjs';

const loads = [
  { title: 'single events over HTTP', wire: 'single', size: 1, perSecond: 15_000 },
  { title: 'gRPC stream, 100 a message', wire: 'stream', size: 100, perSecond: 500 },
  { title: 'batches of 500', wire: 'batch', size: 500, perSecond: 100, connections: 8 },
  {
    title: 'batches of 500 that earn rewards',
    wire: 'batch',
    mix: 'rewards',
    size: 500,
    perSecond: 100,
    connections: 8,
  },
];
const reads = {
  'GET /leaderboard, first page of 100': () => [{ path: '/leaderboard?window=weekly&limit=100' }],
  'GET /players/:id/progress': playerReads.progress,
};
const usualSeconds = 5;
/** Enough that what a database sets aside beforehand does not count. */
const storedEvents = 200_000;
const fewEvents = 5000;

/** One result for each load, each kind of read, and the disk. @throws on a machine with one core */
export async function measureSizing(bench) {
  const cores = cpus().length;
  if (cores < 2) throw new Error('sizing needs two cores: one for the application, the others for what loads it');
  const [build] = bench.builds;
  const subject = bench.another({ ...build, name: 'one core' }, {});
  const server = await subject.server();
  const restingMb = server.memoryMb();
  pin(server.child.pid, cores);
  const seconds = bench.options.seconds ?? usualSeconds;
  const usual = { mix: 'usual', connections: bench.options.connections, seconds };
  const rounds = (title, scenario) =>
    measureRounds(bench, {
      title,
      entrants: [{ subject, scenario: { ...usual, ...scenario } }],
      compare: [],
      pairs: [],
    });
  const found = [];
  for (const { title, perSecond, ...load } of loads)
    found.push(await rounds(title, { ...load, requests: perSecond * seconds }));
  await fill(bench, subject);
  for (const [title, of] of Object.entries(reads))
    found.push(await rounds(title, { wire: 'read', size: 1, reads: of(subject) }));
  found[0].notes = [`${restingMb.toFixed(0)} MB before the first event`];
  found.at(-1).notes = [await onDisk(bench, subject)];
  await bench.finish(subject);
  return found;
}

/** All threads of `pid` on the first core; of all others that the bench has started, and of the bench itself, on the rest. */
function pin(pid, cores) {
  const hold = (list, held) => execFileSync('taskset', ['-a', '-c', '-p', list, String(held)], { stdio: 'ignore' });
  const rest = familyPids().filter((other) => other !== pid);
  hold('0', pid);
  for (const other of rest) hold(`1-${cores - 1}`, other);
}

async function onDisk(bench, subject) {
  const count = bench.options.quick ? fewEvents : storedEvents;
  const before = await bench.store.bytes(subject.databaseUrl);
  const scenario = { wire: 'batch', mix: 'usual', size: 500, connections: 8, seconds: 600, requests: count / 500 };
  const { accepted } = await subject.measure(bench.generator, scenario);
  const bytes = (await bench.store.bytes(subject.databaseUrl)) - before;
  return `${accepted.toLocaleString('en')} events took ${(bytes / 1e6).toFixed(0)} MB on the disk, ${Math.round(bytes / accepted)} bytes each`;
}
