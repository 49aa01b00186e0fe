// How fast consumers apply a log that waits for them, when nobody calls: events of the mix that earns rewards are accepted
// while no consumer runs, then everything starts on the same database.
import { contest } from './contest.mjs';
import { intakeOnly } from './subject.mjs';

const perSecond = 30_000;

export async function measureDrain(bench) {
  const contestants = bench.builds.map((build) => ({ name: build.name, run: () => drain(bench, build) }));
  const found = await contest({
    contestants,
    pairs: bench.pairs,
    compare: ['rate', 'perCpuSecond'],
    rounds: bench.options.rounds,
  });
  return { title: 'consumers apply a waiting log that earns rewards', ...found };
}

async function drain(bench, build) {
  const subject = bench.another(build, { modules: intakeOnly });
  const requests = Math.ceil((perSecond * (bench.options.seconds ?? 5)) / 500);
  const scenario = { wire: 'batch', size: 500, mix: 'rewards', connections: 8, seconds: 600, requests };
  const { accepted } = await subject.measure(bench.generator, scenario);
  const server = await subject.restartWith(undefined);
  try {
    return await untilApplied(server, accepted);
  } finally {
    await subject.stop();
  }
}

/** From when the process is ready; what was applied before then is not counted. */
async function untilApplied(server, accepted) {
  const began = performance.now();
  const cpu = server.cpuSeconds();
  const { total: before } = await server.applied();
  await server.untilApplied(accepted);
  const seconds = (performance.now() - began) / 1000;
  const used = server.cpuSeconds() - cpu;
  const events = accepted - before;
  return {
    events,
    seconds,
    rate: events / seconds,
    perCpuSecond: events / used,
    cpuUs: (used * 1e6) / events,
    cpu: used / seconds,
    peakMb: server.takePeakMb(),
  };
}
