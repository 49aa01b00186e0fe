// npm run coverage: runs the tests, or those that are named, and prints which share of the lines of src they have run, by folder.
// What only a process of its own runs (main.ts, commands, kills) is not seen by it. Exit code: that of the tests.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'aerie-coverage-'));
const options = [
  '--coverage',
  '--coverageProvider=v8',
  '--collectCoverageFrom=src/**/*.ts',
  // Declarations and what is generated have nothing to run.
  '--collectCoverageFrom=!src/generated/**',
  '--collectCoverageFrom=!src/**/*.d.ts',
  '--coverageReporters=json-summary',
  `--coverageDirectory=${folder}`,
];
try {
  const jest = join(root, 'node_modules/.bin/jest');
  const { status } = spawnSync(jest, [...options, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
  print(JSON.parse(readFileSync(join(folder, 'coverage-summary.json'), 'utf8')));
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** A line for each folder of src, two names deep, and one for all. */
function print({ total, ...files }) {
  const folders = new Map();
  for (const [file, { lines, branches }] of Object.entries(files)) {
    const name = relative(join(root, 'src'), file).split('/').slice(0, -1).slice(0, 2).join('/') || '.';
    const sum = folders.get(name) ?? { lines: [0, 0], branches: [0, 0] };
    for (const [key, { covered, total: all }] of Object.entries({ lines, branches })) {
      sum[key][0] += covered;
      sum[key][1] += all;
    }
    folders.set(name, sum);
  }
  const share = ([covered, all]) => (all === 0 ? '  -  ' : `${((100 * covered) / all).toFixed(1).padStart(5)} %`);
  console.log('\n  lines  branches');
  for (const [name, { lines, branches }] of [...folders].sort())
    console.log(`${share(lines)}   ${share(branches)}  ${name}`);
  const whole = [total.lines, total.branches].map(({ covered, total: all }) => share([covered, all]));
  console.log(`${whole.join('   ')}  all of src`);
}
