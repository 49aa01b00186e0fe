// What --json keeps: everything that is needed to read the figures later, and to doubt them.
import { writeFileSync } from 'node:fs';

const format = 1;

export function resultsOf({ about, options, quiet, found, lost, ended }) {
  const { machine, commit, against, store } = about;
  const { rounds, seconds, connections, quick, only, paced } = options;
  return {
    format,
    date: new Date().toISOString(),
    commit,
    against,
    machine,
    database: { dialect: store.dialect, version: store.version },
    options: { rounds, seconds, connections, quick, only, paced },
    quiet,
    scenarios: found,
    lost,
    ended,
  };
}

export function writeJson(path, results) {
  writeFileSync(path, `${JSON.stringify(results, undefined, 2)}\n`);
  console.log(`All figures are in ${path}`);
}
