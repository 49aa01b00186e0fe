// npm run check: everything that can be said about the code without running it. `-- --fix` formats and fixes first;
// `-- <word>...` runs only the steps whose name has the word.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './sources.mjs';

const bin = join(projectRoot, 'node_modules/.bin');
const checks = join(projectRoot, 'test/architecture/checks');
const parallel = 2;

const biome = ['--config-path=test/architecture/biome.json', '--colors=off', '--max-diagnostics=200', '.'];
const commands = [
  { name: 'format and lint (Biome)', command: [`${bin}/biome`, 'ci', '--error-on-warnings', ...biome] },
  { name: 'types (tsc)', command: [`${bin}/tsc`, '--noEmit'] },
  { name: 'buf lint', command: [`${bin}/buf`, 'lint'], cwd: 'proto' },
  { name: 'buf breaking', command: [`${bin}/buf`, 'breaking', '--against', 'baseline.binpb'], cwd: 'proto' },
];

/** Runs a command; resolves to `{ status, out }`, never rejects. */
function run([command, ...parameters], cwd = '.') {
  return new Promise((resolve) => {
    const child = spawn(command, parameters, { cwd: join(projectRoot, cwd), stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    const collect = (chunk) => {
      out += chunk;
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve({ status: 1, out: String(error) }));
    child.on('close', (status) => resolve({ status, out }));
  });
}

async function runCommand({ command, cwd }) {
  const { status, out } = await run(command, cwd);
  return status === 0 ? '' : out.trim() || `exit code ${status}`;
}

/** A module of checks/ runs in a process of its own, so that one cannot spoil another. */
async function runCheck({ file }) {
  const { status, out } = await run([process.execPath, 'test/architecture/inspect.mjs', file.replace(/\.mjs$/, '')]);
  if (status !== 0) return out.trim() || `exit code ${status}`;
  return JSON.parse(out.slice(out.indexOf('[[') < 0 ? 0 : out.indexOf('[[')))[0].join('\n');
}

async function steps() {
  const files = readdirSync(checks).filter((file) => file.endsWith('.mjs'));
  const modules = files.map(async (file) => ({ name: (await import(join(checks, file))).name, file }));
  return [...commands, ...(await Promise.all(modules))];
}

async function runStep(step) {
  const began = performance.now();
  const problems = await (step.command ? runCommand(step) : runCheck(step));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${problems === '' ? 'ok  ' : 'FAIL'} ${step.name} (${seconds} s)`);
  if (problems !== '') console.log(problems.replace(/^/gm, '     '));
  return problems === '' ? [] : [step.name];
}

async function main() {
  const words = process.argv.slice(2);
  if (words[0] === '--fix') {
    words.shift();
    await run([`${bin}/biome`, 'check', '--write', ...biome]);
  }
  const waiting = (await steps()).filter(({ name }) => words.every((word) => name.includes(word)));
  if (waiting.length === 0) {
    console.log(`No step is called ${words.join(' ')}.`);
    return 1;
  }
  const failed = [];
  const worker = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) failed.push(...(await runStep(step)));
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join('; ')}`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main();
