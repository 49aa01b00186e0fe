// Our own suites on the Nodes that package.json allows, by npm's own packages of Node: a copy of the project, installed and
// built by that Node. The whole suite takes half an hour on each; CI runs it. These are the parts where Nodes have differed:
// the SQLite driver, how processes start and end, and both wires.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './engine.mjs';

const majors = [20, 22, 24];
const suites = ['test/app/start', 'test/app/parity', 'test/app/commands', 'test/app/own-file', 'test/shared/db/sqlite'];
const root = fileURLToPath(new URL('../..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'aerie-nodes-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
const npm = (...args) => run('npm', ['--no-audit', '--no-fund', ...args]);

/** The folder of a Node: bin/ and include/. */
async function bring(major) {
  const prefix = join(work, `node-${major}`);
  const name = `node-${process.platform}-${process.arch}`;
  await npm('install', '--prefix', prefix, `${name}@${major}`);
  return join(prefix, 'node_modules', name);
}

async function use(major) {
  const node = await bring(major);
  const project = join(work, `project-${major}`);
  await run('sh', ['-c', `mkdir ${project} && git ls-files -z | xargs -0 tar -cf - | tar -xf - -C ${project}`], {
    cwd: root,
  });
  const env = { ...process.env, PATH: `${join(node, 'bin')}:${process.env.PATH}`, npm_config_nodedir: node };
  const { version } = JSON.parse(readFileSync(join(node, 'package.json'), 'utf8'));
  const said = (await run('node', ['--version'], { env })).trim();
  if (said !== `v${version}`) throw new Error(`The Node that runs is ${said}, not v${version}`);
  await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: project, env });
  const report = join(work, `${major}.json`);
  const what = ['--json', `--outputFile=${report}`, '--maxWorkers=1', ...suites];
  await run('npx', ['jest', ...what], { cwd: project, env, timeout: 1_800_000 });
  const { numPassedTests } = JSON.parse(readFileSync(report, 'utf8'));
  console.log(`     ${said}: ${numPassedTests} tests of ${suites.join(', ')}`);
  rmSync(project, { recursive: true, force: true });
}

export const nodeTools = majors.map((major) => ({
  name: `Node ${major}: installs, builds and passes a part of our suites`,
  install: () => bring(major),
  use: () => use(major),
}));
