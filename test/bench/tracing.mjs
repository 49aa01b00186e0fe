// What tracing costs: the same load without it and with one of a hundred traces recorded, in turn. The receiver of traces is
// in this process, and reads what it gets.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { measureRounds } from './rounds.mjs';

const share = '0.01';
// Half a percent more or less is noise: as many pairs as the promise is about.
const leastRounds = 9;

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
  const seconds = bench.options.seconds ?? 4;
  const { connections } = bench.options;
  const scenario = { wire: 'single', mix: 'usual', size: 1, connections, seconds, requests: 30_000 * seconds };
  const rounds = bench.options.quick ? 1 : Math.max(leastRounds, bench.options.rounds);
  const names = subjects.map(({ name }) => name);
  const found = await measureRounds(
    { ...bench, generator: bench.generator, options: { ...bench.options, rounds } },
    {
      title: 'tracing, single events over HTTP',
      entrants: subjects.map((subject) => ({ subject, scenario })),
      compare: ['perCpuSecond', 'rate'],
      pairs: [names],
    },
  );
  for (const subject of subjects) await bench.finish(subject);
  receiver.closeAllConnections();
  receiver.close();
  return found;
}
