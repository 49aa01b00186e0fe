// How long writers wait while the schema changes under them: the busiest tables are full, events come at a steady pace, and the
// migrations of a made-up next version add columns, widen texts and make indices meanwhile. SQLite belongs to one process, which
// migrates when it starts: there it is how long nobody is served.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { support } from '../support/typescript.mjs';

const events = 1_000_000;
const fewEvents = 20_000;
const rate = 200;

export async function measureMigrate(bench) {
  const { store } = bench;
  const [build] = bench.builds;
  const subject = bench.another({ ...build, name: build.name }, {});
  const count = bench.options.quick ? fewEvents : events;
  const fill = { wire: 'batch', size: 500, mix: 'rewards', connections: 8, seconds: 3600, requests: count / 500 };
  await subject.measure(bench.generator, fill);
  if (store.dialect === 'sqlite') return migrateStopped(bench, subject, count);
  const seconds = bench.options.seconds ?? 20;
  const pace = { wire: 'single', mix: 'usual', size: 1, rate, connections: 16, seconds, requests: rate * seconds + 1 };
  const usual = await subject.measure(bench.generator, pace);
  let told = '';
  const migrating = await subject.measure(bench.generator, pace, async () => {
    told = await migrate(subject);
    return {};
  });
  await bench.finish(subject);
  const title = `${rate} events/s on ${count.toLocaleString('en')} rows in ${store.dialect}: ${told}; the longest wait is in max`;
  const rows = [
    { ...usual, name: 'no migration' },
    { ...migrating, name: 'while migrations run' },
  ];
  return { title, medians: rows, ratios: [], rounds: Object.fromEntries(rows.map((row) => [row.name, [row]])) };
}

async function migrateStopped(bench, subject, count) {
  await subject.stop();
  const told = await migrate(subject);
  await bench.finish(subject);
  const title = `${count.toLocaleString('en')} rows in sqlite, which nobody is served from meanwhile: ${told}`;
  return { title, medians: [], ratios: [], rounds: {} };
}

/** Brings the database to the made-up next version; answers how many migrations that were, and how long they took. */
async function migrate({ databaseUrl }) {
  const newer = support('newer-version').newerVersion();
  const began = performance.now();
  const env = { ...process.env, DATABASE_URL: databaseUrl };
  const { stdout } = await promisify(execFile)(process.execPath, [join(newer.dist, 'main.js'), 'migrate'], { env });
  newer[Symbol.dispose]();
  return `${stdout.split(',').length} migrations in ${((performance.now() - began) / 1000).toFixed(1)} s`;
}
