// .env.example out of the configuration's schema. `npm run generate` writes it; a test compares it.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from './sources.mjs';

const head = `# Every variable that Aerie reads. Copy to .env and uncomment what you change; what is commented shows the default.\n`;

export function renderEnvExample() {
  execFileSync(process.execPath, ['.ci/build.mjs'], { cwd: projectRoot, stdio: ['ignore', 2, 2] });
  const load = (path) => createRequire(import.meta.url)(join(projectRoot, 'dist', path));
  const { variablesOf } = load('shared/config/settings.js');
  const entries = Object.entries(variablesOf(load('features/index.js').features)).map(
    ([name, field]) => `\n# ${field.description}\n# ${name}=${defaultOf(field) ?? ''}\n`,
  );
  return head + entries.join('');
}

function defaultOf(field) {
  for (let inner = field; inner?.def; inner = inner.def.innerType ?? inner.def.in) {
    if ('defaultValue' in inner.def) return inner.def.defaultValue;
  }
  return undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const text = renderEnvExample();
  if (process.argv[2] === '--print') process.stdout.write(text);
  else writeFileSync(join(projectRoot, '.env.example'), text);
}
