// Subjects, each under its own scenario, in the rounds of one contest.
import { contest } from './contest.mjs';

/**
 * `entrants`: `{ subject, scenario, beside }`, see `Subject.measure`. Each runs for `warmSeconds` before it counts, with
 * `fresh` not at all. `alone`: all others stand still meanwhile, as they must when this is called; who has stood still runs
 * for a second more each time.
 */
export async function measureRounds(bench, { title, entrants, compare, pairs, fresh, alone, warmSeconds = 1 }) {
  const contestants = entrants.map(({ subject, scenario, beside }) => {
    const warmUp = (seconds) => subject.measure(bench.generator, lasting(seconds, scenario));
    const run = () => subject.measure(bench.generator, scenario, beside);
    const { name } = subject;
    if (fresh) return { name, run: () => subject.stop().then(run) };
    if (!alone) return { name, run, warmUp: () => warmUp(warmSeconds) };
    return {
      name,
      run: () => awake(subject, () => warmUp(1).then(run)),
      warmUp: () => awake(subject, () => warmUp(warmSeconds)),
    };
  });
  const warm = fresh ? undefined : ({ warmUp }) => warmUp();
  const found = await contest({ contestants, pairs, compare, rounds: bench.options.rounds, warm });
  return { title, ...found };
}

async function awake(subject, work) {
  await subject.wake();
  const done = await work();
  subject.rest();
  return done;
}

/** The same for so many seconds. Reads have no number of requests: they are sent again and again. */
function lasting(seconds, { requests, ...scenario }) {
  return { ...scenario, seconds, ...(requests && { requests: Math.ceil((requests / scenario.seconds) * seconds) }) };
}
