// Compiles src to dist when something changed since the last complete build; otherwise does nothing, at once.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = join(root, 'dist/.stamp');
const lock = join(root, 'node_modules/.cache/aerie-build.lock');
const signals = ['SIGINT', 'SIGTERM'];
const settings = ['package.json', 'tsconfig.json', 'nest-cli.json', 'test/architecture/tsconfig.build.json'];

/** Path, size and time of everything that the build reads: other than in the stamp means stale, whichever is newer. */
function fingerprint() {
  const hash = createHash('sha1');
  const add = (path) => {
    const { mtimeMs, size } = statSync(join(root, path));
    hash.update(`${path}\0${mtimeMs}\0${size}\n`);
  };
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else add(path);
    }
  };
  walk('src');
  settings.filter((path) => existsSync(join(root, path))).forEach(add);
  return hash.digest('hex');
}

/** The stamp is written last and removed first, so a build that was cut off is never taken for a whole one. */
function isFresh() {
  try {
    return existsSync(join(root, 'dist/main.js')) && readFileSync(stamp, 'utf8') === fingerprint();
  } catch {
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Several processes may start at once on a stale dist: one builds, the others wait for it. */
function takeLock() {
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  try {
    const owner = Number(readFileSync(lock, 'utf8'));
    const justMade = Date.now() - statSync(lock).mtimeMs < 1000;
    if (!(owner > 0 ? isAlive(owner) : justMade)) rmSync(lock, { force: true });
  } catch {
    // The owner has just let go.
  }
  return false;
}

async function build() {
  const began = performance.now();
  const before = fingerprint();
  rmSync(stamp, { force: true });
  const status = await compile();
  if (status !== 0 || !existsSync(join(root, 'dist/main.js'))) {
    console.error('The build failed.');
    return 1;
  }
  writeFileSync(stamp, before);
  console.error(`Built in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return 0;
}

/** The compiler's exit code. A signal ends the compiler and then this process: left alone it would go on writing. */
async function compile() {
  const nest = join(root, 'node_modules/@nestjs/cli/bin/nest.js');
  const compiler = spawn(process.execPath, [nest, 'build'], { cwd: root, stdio: ['ignore', 2, 2] });
  let told;
  const stop = (signal) => {
    told = signal;
    compiler.kill(signal);
  };
  for (const signal of signals) process.on(signal, stop);
  const status = await new Promise((resolve) => compiler.once('close', resolve));
  for (const signal of signals) process.off(signal, stop);
  if (told) {
    rmSync(lock, { force: true });
    process.kill(process.pid, told);
  }
  return status;
}

async function ensureBuilt() {
  // An image carries dist without src: there is nothing to compare with.
  if (!existsSync(join(root, 'src'))) return 0;
  while (!isFresh()) {
    if (takeLock()) {
      try {
        return isFresh() ? 0 : await build();
      } finally {
        rmSync(lock, { force: true });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return 0;
}

process.exitCode = await ensureBuilt();
