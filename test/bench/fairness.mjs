// What the rules of fairness cost: the same load with them on and off, in turn; half a percent more or less is noise.
import { request } from 'undici';
import { contest } from './contest.mjs';

const rules = ['flood', 'jump', 'outlier'];

export async function measureFairness(bench) {
  const [subject] = bench.builds;
  const { connections } = bench.options;
  const seconds = bench.options.seconds ?? 5;
  const scenario = { wire: 'single', mix: 'usual', size: 1, connections, seconds, requests: 30_000 * seconds };
  const contestants = ['enforce', 'off'].map((mode) => ({
    name: `rules of fairness: ${mode}`,
    run: async () => {
      await setRules(await subject.server(), mode);
      return subject.measure(bench.generator, scenario);
    },
  }));
  const pairs = [contestants.map(({ name }) => name)];
  const found = await contest({ contestants, pairs, compare: ['rate', 'perCpuSecond'], rounds: bench.options.rounds });
  await setRules(await subject.server(), 'enforce');
  return { title: 'fairness on and off', ...found };
}

async function setRules({ url }, mode) {
  for (const rule of rules) {
    const headers = { 'content-type': 'application/json' };
    const change = { method: 'PATCH', headers, body: JSON.stringify({ mode }) };
    const { statusCode, body } = await request(`${url}/fairness/rules/${rule}`, change);
    await body.dump();
    if (statusCode !== 200) throw new Error(`The rule ${rule} cannot be changed: ${statusCode}`);
  }
}
