// npm run generate: types from proto/ into src/generated, and .env.example from the configuration's schema.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { renderEnvExample } from './env-example.mjs';
import { projectRoot } from './sources.mjs';

/** Runs buf in `root`/proto. buf.gen.yaml writes to ../src/generated, seen from `out`. */
export function generate(root = projectRoot, out = join(root, 'proto')) {
  const buf = join(projectRoot, 'node_modules/.bin/buf');
  execFileSync(buf, ['generate', '--output', out], { cwd: join(root, 'proto'), stdio: ['ignore', 2, 2] });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  generate();
  writeFileSync(join(projectRoot, '.env.example'), renderEnvExample());
}
