// node start.mjs <program> [argument...]: builds when something changed, then runs the program in this same process. npm
// sends its signals to the one process that it started: package.json says `exec`, or that would be a shell, which dies of
// a signal and tells nobody.
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import './build.mjs';

const [node, , program, ...args] = process.argv;

if (!process.exitCode) {
  const path = resolve(fileURLToPath(new URL('..', import.meta.url)), program);
  process.argv = [node, path, ...args];
  await import(pathToFileURL(path));
}
