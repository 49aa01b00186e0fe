// What is aimed at, beside what was measured. The exit code judges correctness (nothing lost, no 5xx), speed never.
import { crowdName, pacedRate, pacedTitle } from './chat.mjs';
import { failuresOf } from './report.mjs';
import { pollTitle } from './ticketing.mjs';

const ratio = (value) => value.toFixed(2);
const rate = (value) => `${Math.round(value).toLocaleString('en')}/s`;
const ms = (value) => `${value.toFixed(1)} ms`;
const mb = (value) => `${value.toFixed(0)} MB`;
const kb = (value) => `${value.toFixed(1)} KB`;
const talkers = crowdName({ wire: 'tcp', clients: 1000 });

/** What must hold, and the moonshot where there is one. A title may be of a scenario that did not run. */
function targetsOf(found, dialect) {
  const median = (scenario, key, name = 'Aerie') =>
    found.find((each) => each.scenario === scenario)?.medians.find((row) => row.name === name)?.[key];
  const of = (title, name, key = 'rate') =>
    found
      .flatMap((each) => (each.title.startsWith(title) ? each.ratios : []))
      .find((each) => each.name === name && each.other === 'bare Fastify' && each.key === key)?.median;
  const atLeast = (what, value, least, show) => ({
    what,
    value,
    target: `>= ${show(least)}`,
    met: value >= least,
    show,
  });
  const below = (what, value, most, show) => ({ what, value, target: `< ${show(most)}`, met: value < most, show });
  const keepingUp = median('single', 'appliedRate') / median('single', 'rate');
  const ofTitle = (title, key) =>
    found.find((each) => each.title === title)?.medians.find((row) => row.name === 'Aerie')?.[key];
  const chat = (what, key) => ofTitle(`${talkers}, ${what}`, key);
  const fast = 'as fast as they hear';
  const batches = dialect === 'sqlite' ? 100_000 : 40_000;
  return [
    atLeast('intake of bare Fastify (moonshot 0.6)', of('single events over HTTP', 'Aerie, consumers off'), 0.5, ratio),
    atLeast('everything on of bare Fastify (moonshot 0.45)', of('single events over HTTP', 'Aerie'), 0.35, ratio),
    atLeast('batches without rewards', median('batch-kind', 'rate'), batches, rate),
    atLeast('batches that earn rewards', median('batch-rewards', 'rate'), batches, rate),
    atLeast('gRPC stream, 100 a message', median('stream', 'rate'), 80_000, rate),
    atLeast('consumers, with rewards', median('drain', 'rate'), 30_000, rate),
    atLeast('applied while single events come, of accepted', keepingUp, 0.95, ratio),
    below('p95 at 500/s from the first request', median('paced-500', 'p95'), 5, ms),
    below('p95 at 5,000/s', median('paced-5000', 'p95'), 10, ms),
    below('p99 at 5,000/s', median('paced-5000', 'p99'), 30, ms),
    below('RSS at 5,000/s', median('paced-5000', 'peakMb'), 200, mb),
    below('cold start', median('start', 'startedMs'), 2000, ms),
    atLeast('first page of bare Fastify', of('GET /leaderboard,', 'Aerie'), 0.5, ratio),
    atLeast('around of bare Fastify', of('GET /leaderboard/players', 'Aerie'), 0.5, ratio),
    atLeast('progress of bare Fastify', of('GET /players', 'Aerie'), 0.5, ratio),
    atLeast('user with a token of bare Fastify', of('GET /users', 'Aerie'), 0.4, ratio),
    atLeast('deliveries of chat, 1,000 TCP clients', chat(fast, 'rate'), 300_000, rate),
    below('p99 of chat at 100,000 deliveries/s', chat(pacedTitle(pacedRate), 'p99'), 50, ms),
    atLeast('polls of a waiting room of bare Fastify', of(pollTitle, 'Aerie'), 0.6, ratio),
    atLeast('polls of a waiting room', ofTitle(pollTitle, 'rate'), 20_000, rate),
    below('CPU of an event, one of a hundred traced', tracingCost(found), 1.05, ratio),
    below('memory of a chat client', memoryOfClient(found), 20, kb),
  ].filter(({ value }) => value !== undefined && !Number.isNaN(value));
}

/** See tracing.mjs: of an event that is applied, beside one without traces. */
function tracingCost(found) {
  const { ratios = [] } = found.find(({ scenario }) => scenario === 'tracing') ?? {};
  return ratios.find(({ key }) => key === 'wholeUs')?.median;
}

/** In the largest crowd: in a small one it is less than what the heap grows and shrinks by. */
function memoryOfClient(found) {
  const rows = found
    .filter(({ scenario }) => scenario === 'chat')
    .flatMap(({ medians }) => medians.filter(({ name }) => name === 'Aerie'));
  const most = Math.max(...rows.map(({ clients }) => clients));
  return rows.find(({ clients }) => clients === most)?.kbEach;
}

/** Prints what is aimed at; without `conclusive` nothing is called met. Answers whether nothing was lost or failed. */
export function printTargets({ found, lost, ended, conclusive, dialect }) {
  const line = (...cells) =>
    console.log(`${cells[0].padEnd(50)}${cells[1].padStart(14)}${cells[2].padStart(16)}   ${cells[3]}`);
  console.log('');
  line('Targets', 'target', 'measured', conclusive ? 'met' : 'not judged');
  for (const { what, value, target, met, show } of targetsOf(found, dialect))
    line(what, target, show(value), conclusive ? (met ? 'yes' : 'NO') : '-');
  const failed = found.flatMap(({ medians }) => medians).reduce((sum, row) => sum + failuresOf(row), 0);
  line('5xx and unanswered', '0', String(failed), failed === 0 ? 'yes' : 'NO');
  const violations = found.flatMap(({ medians }) => medians).reduce((sum, row) => sum + (row.violations ?? 0), 0);
  if (found.some(({ medians }) => medians.some((row) => row.violations !== undefined)))
    line('violations that audits found', '0', String(violations), violations === 0 ? 'yes' : 'NO');
  for (const { name, players, differing = 0, code = 0 } of lost) {
    if (players !== undefined)
      line(
        `XP = points of what ${name} accepted`,
        'all players',
        `${players - differing} of ${players}`,
        differing === 0 ? 'yes' : 'NO',
      );
    if (code !== 0) line(`stop of ${name}`, 'exit 0', `exit ${code}`, 'NO');
  }
  const stopped = ended === undefined || ended.code === 0;
  if (ended) {
    line('stop on SIGTERM', 'exit 0', `${(ended.ms / 1000).toFixed(1)} s, exit ${ended.code}`, stopped ? 'yes' : 'NO');
    console.log(`After all of it the process rested at ${mb(ended.restingMb)}.`);
  }
  return (
    failed === 0 &&
    violations === 0 &&
    stopped &&
    lost.every(({ differing = 0, code = 0 }) => differing === 0 && code === 0)
  );
}
