// The alerts of docker/prometheus/rules.yml as an object of Kubernetes, for the Prometheus operator. `npm run generate` writes
// it; a test compares it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from './sources.mjs';

const rules = 'docker/prometheus/rules.yml';
const target = 'docker/k8s/base/prometheus-rule.yaml';

const head = `# For the Prometheus operator. Without it take this file out of kustomization.yaml; see service-monitor.yaml. Made of ${rules} by npm run generate.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: aerie
spec:
`;

export function renderPrometheusRule() {
  const [, groups] = /^(groups:\n[\s\S]*)/m.exec(readFileSync(join(projectRoot, rules), 'utf8')) ?? [];
  if (groups === undefined) throw new Error(`${rules} has no groups`);
  return head + groups.replace(/^(?=.)/gm, '  ');
}

export function writePrometheusRule() {
  writeFileSync(join(projectRoot, target), renderPrometheusRule());
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv[2] === '--print') process.stdout.write(renderPrometheusRule());
  else writePrometheusRule();
}
