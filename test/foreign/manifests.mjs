// docker/k8s: put together by kubectl, then held against the schemas of the three newest versions of Kubernetes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './engine.mjs';

const version = '1.37.0';
const minors = ['1.35', '1.36', '1.37'];
const folder = fileURLToPath(new URL('../../docker/k8s', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'aerie-manifests-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
const venv = join(work, 'venv');

async function install() {
  await run('kubectl', ['version', '--client']);
  await run('python3', ['-m', 'venv', venv]);
  await run(join(venv, 'bin', 'pip'), ['install', '--quiet', `kubernetes-validate==${version}`]);
}

/** These are the operator's, of which Kubernetes has no schema: each is a warning, and there are no others. */
const operators = /for kind (ServiceMonitor|PrometheusRule) /;

async function check(overlay, minor) {
  const file = join(work, 'manifests.yaml');
  writeFileSync(file, await run('kubectl', ['kustomize', join(folder, overlay)]));
  const said = await run(join(venv, 'bin', 'kubernetes-validate'), ['--strict', '-k', minor, file]);
  const lines = said.trim().split('\n');
  const odd = lines.filter((line) => !/ passed for resource /.test(line) && !operators.test(line));
  if (odd.length > 0 || lines.length < 10) throw new Error(said);
  return lines.length;
}

async function use() {
  for (const overlay of ['overlays/single', 'overlays/split']) {
    const counts = [];
    for (const minor of minors) counts.push(await check(overlay, minor));
    console.log(`     ${overlay}: ${counts[0] - 2} resources, each valid for ${minors.join(', ')}`);
  }
}

export const manifestTools = [
  { name: `kubectl kustomize and kubernetes-validate ${version}: the manifests, strictly`, install, use },
];
