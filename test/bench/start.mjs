// How long a process takes until it is ready, what it holds when nothing happens, and how it ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { contest } from './contest.mjs';

const settleMs = 3000;

/** The database is there already; the very first start, which makes its tables, is not counted. */
export async function measureStarts(bench) {
  const subjects = bench.builds.map((build) => bench.another(build));
  const once = async (subject) => {
    const server = await subject.server();
    const { startedMs } = server;
    await sleep(settleMs);
    const idleMb = server.memoryMb();
    const { code, ms } = await subject.stop();
    return { startedMs, idleMb, stoppedMs: ms, code };
  };
  const contestants = subjects.map((subject) => ({ name: subject.name, run: () => once(subject) }));
  const found = await contest({
    contestants,
    pairs: bench.pairs,
    compare: ['startedMs', 'idleMb'],
    rounds: bench.options.rounds,
    warm: ({ run }) => run(),
  });
  return { title: 'cold start on a database that is there', ...found };
}
