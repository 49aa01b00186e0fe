// What tracing costs: the same load without it and with one of a hundred traces recorded, in turn. The receiver of traces is
// in this process, and reads what it gets.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { measureRounds } from './rounds.mjs';
import { median } from './statistics.mjs';

const share = '0.01';
// Half a percent more or less is noise: as many pairs as the promise is about.
const leastRounds = 9;
// Garbage is collected in large steps: a short round has one more or one less.
const usualSeconds = 10;
const warmSeconds = 5;

export async function measureTracing(bench) {
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const [build] = bench.builds;
  const endpoint = `http://127.0.0.1:${receiver.address().port}`;
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: share };
  const subjects = [
    bench.another({ ...build, name: 'recording 1 %' }, { environment }),
    bench.another({ ...build, name: 'recording nothing' }, {}),
  ];
  const seconds = bench.options.seconds ?? usualSeconds;
  const { connections } = bench.options;
  const scenario = { wire: 'single', mix: 'usual', size: 1, connections, seconds, requests: 20_000 * seconds };
  const rounds = bench.options.quick ? 1 : Math.max(leastRounds, bench.options.rounds);
  const names = subjects.map(({ name }) => name);
  const found = await measureRounds(
    { ...bench, generator: bench.generator, options: { ...bench.options, rounds } },
    {
      title: 'tracing, single events over HTTP',
      entrants: subjects.map((subject) => ({ subject, scenario })),
      compare: ['wholeUs', 'perCpuSecond', 'rate'],
      pairs: [names],
      warmSeconds: bench.options.quick ? 1 : warmSeconds,
    },
  );
  for (const subject of subjects) await bench.finish(subject);
  receiver.closeAllConnections();
  receiver.close();
  return { ...found, notes: [likely(found.rounds, names)] };
}

/** The median with where it lies for certain enough: in nine pairs between the second and the eighth, in 96 of 100 cases. */
function likely(rounds, [one, other]) {
  const ratios = rounds[one].map((row, round) => row.wholeUs / rounds[other][round].wholeUs).sort((a, b) => a - b);
  const skipped = ratios.length >= leastRounds ? Math.floor((ratios.length - 1) / 2 - Math.sqrt(ratios.length)) : 0;
  const [low, high] = [ratios[skipped], ratios[ratios.length - 1 - skipped]];
  const percent = (ratio) => `${((ratio - 1) * 100).toFixed(1)} %`;
  return `CPU of an event, applied: ${percent(median(ratios))} more; the median lies between ${percent(low)} and ${percent(high)}`;
}
