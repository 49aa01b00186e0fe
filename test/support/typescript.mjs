// What test/support knows of servers and processes, for programs that are no tests: TypeScript is compiled as it is
// required, by the compiler and with the options that the tests have.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { transformFileSync } from '@swc/core';

const require = createRequire(import.meta.url);
const { jest } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const [, options] = Object.values(jest.transform)[0];

// Node 20 has no way to do this that is both synchronous and newer than `extensions`.
require.extensions['.ts'] = (module, file) => module._compile(transformFileSync(file, options).code, file);

/** `servers`, `processes`, ...: the module of that name in test/support. */
export function support(name) {
  return require(`./${name}.ts`);
}
