// npm run bench: bounded load on the built application from a second process, all on this machine. `--help` says more.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Generator } from './generator.mjs';
import { measureBoards } from './leaderboard.mjs';
import { commitOf, machine, Quiet } from './machine.mjs';
import { help, optionsOf, UsageError } from './options.mjs';
import { printHeading, printQuiet, printResult } from './report.mjs';
import { resultsOf, writeJson } from './results.mjs';
import { apart, byDefault, groups, measure, ofProcesses, paced } from './scenarios.mjs';
import { openStore } from './stores.mjs';
import { BareSubject, intakeOnly, Subject } from './subject.mjs';
import { printTargets } from './targets.mjs';

const restMs = 3000;
const dist = fileURLToPath(new URL('../../dist', import.meta.url));

/** The servers that all scenarios share, and what was asked for. */
class Bench {
  generator = new Generator();
  bare = new BareSubject();
  #others = [];
  #finished = [];
  #server;

  constructor(options, store) {
    this.options = options;
    this.store = store;
    const builds = [
      { name: 'Aerie', dist },
      ...(options.against ? [{ name: 'the other build', dist: options.against }] : []),
    ];
    const subject = (build, more) => new Subject({ ...build, ...more, store, profile: options.profile });
    this.builds = builds.map((build) => subject(build));
    this.intakes = builds.map(({ name, ...build }) =>
      subject({ ...build, name: `${name}, consumers off` }, { modules: intakeOnly }),
    );
  }

  /** What is compared where no bare handler takes part. */
  get pairs() {
    const [ours, theirs] = this.builds;
    return theirs ? [[ours.name, theirs.name]] : [];
  }

  /** The same build on an empty database of its own; `more`: see Subject. */
  another({ name, dist: folder }, more) {
    const made = new Subject({ name, dist: folder, store: this.store, profile: this.options.profile, ...more });
    this.#others.push(made);
    return made;
  }

  /** What a row of this build is called: by the build only where there are two. */
  nameOf(build, what) {
    return this.builds.length > 1 ? `${build.name}: ${what}` : what;
  }

  /** Where several processes can have a database: SQLite belongs to one. */
  async serverStore() {
    if (this.store.dialect !== 'sqlite') return this.store;
    this.#server ??= await openStore('postgres');
    return this.#server;
  }

  /** Looks what it has lost, and ends it: nobody else needs it. */
  async finish(subject) {
    await subject.wake();
    const sums = subject.kept && (await subject.lost(this.generator));
    const { code } = await subject.end();
    this.#finished.push({ name: subject.name, ...sums, code });
    this.#others = this.#others.filter((other) => other !== subject);
  }

  /** Of each that has XP for what was accepted, and of each that was finished, what it has lost and how it ended. */
  async lost() {
    const sums = [];
    for (const subject of this.#kept) sums.push({ name: subject.name, ...(await subject.lost(this.generator)) });
    return [...sums, ...this.#finished];
  }

  get #kept() {
    return [...this.builds, ...this.#others].filter(({ kept }) => kept);
  }

  /** Ends all servers; answers how the one that worked most ended, if there is one. */
  async close() {
    const [first] = this.#kept;
    this.generator.end();
    const ended = first && (await restAndStop(first));
    for (const subject of [...this.builds, ...this.intakes, ...this.#others]) await subject.end();
    await this.bare.stop();
    await this.#server?.close();
    return ended;
  }
}

async function restAndStop(subject) {
  const server = await subject.server();
  await sleep(restMs);
  const restingMb = server.memoryMb();
  return { ...(await subject.stop()), restingMb };
}

/** What is asked for, in order: `[name, what measures it]`. */
function plan(options) {
  if (options.paced) return options.paced.map((rate) => [`paced-${rate}`, (bench) => paced(bench, rate, true)]);
  return (options.only ?? byDefault)
    .filter((name) => name !== 'leaderboards')
    .flatMap((name) => groups[name] ?? name)
    .map((name) => [name, (bench) => measure(bench, name)]);
}

/** Measures, printing as it goes; answers everything that was found. */
async function measureAll(bench) {
  const found = [];
  for (const [name, run] of plan(bench.options)) {
    for (const result of [await run(bench)].flat()) {
      printResult(result);
      found.push({ scenario: name, ...result });
    }
  }
  return found;
}

async function main(options) {
  const quiet = await Quiet.look();
  const store = await openStore(options.database);
  const about = {
    machine: machine(),
    commit: commitOf(dist),
    against: options.against && commitOf(options.against),
    store,
  };
  printHeading(about, quiet.before());
  const bench = new Bench(options, store);
  try {
    const found = await measureAll(bench);
    const lost = await bench.lost();
    const ended = await bench.close();
    const report = quiet.report();
    const whole = printTargets({ found, lost, ended, conclusive: report.conclusive, dialect: store.dialect });
    printQuiet(report);
    if (options.json) writeJson(options.json, resultsOf({ about, options, quiet: report, found, lost, ended }));
    if (options.only?.includes('leaderboards')) await measureBoards(options);
    return whole ? 0 : 1;
  } finally {
    await store.close();
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
try {
  const options = optionsOf(
    process.argv.slice(2),
    [...byDefault, ...apart, ...Object.keys(groups), ...ofProcesses, 'leaderboards'],
    ofProcesses,
  );
  if (options.help) console.log(help);
  else process.exitCode = await main(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}. See npm run bench -- --help`);
  process.exitCode = 64;
}
