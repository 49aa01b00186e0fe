// npm run generate: types from proto/ into src/generated, descriptors for reflection, .env.example from the configuration's
// schema, and the alerts as an object of Kubernetes.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { renderEnvExample } from './env-example.mjs';
import { writePrometheusRule } from './prometheus-rule.mjs';
import { projectRoot } from './sources.mjs';

export const descriptors = 'descriptors.binpb';

/** Runs buf in `root`/proto. buf.gen.yaml writes to ../src/generated, seen from `out`, which must exist. */
export function generate(root = projectRoot, out = join(root, 'proto')) {
  const buf = join(projectRoot, 'node_modules/.bin/buf');
  const run = (...words) => execFileSync(buf, words, { cwd: join(root, 'proto'), stdio: ['ignore', 2, 2] });
  run('generate', '--output', out);
  // With a configuration of its own: buf.yaml leaves out what is vendored.
  const set = ['--as-file-descriptor-set', '--exclude-source-info', '--output', join(out, descriptors)];
  run('build', '--config', '{"version":"v2"}', ...set);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  generate();
  writeFileSync(join(projectRoot, '.env.example'), renderEnvExample());
  writePrometheusRule();
}
