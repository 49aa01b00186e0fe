// docker/k8s on a real API server: built once from the Go module proxy, on an etcd of its own. It judges what schemas cannot:
// defaults, names, selectors, and whether pods are as restricted as their namespace asks.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { support } from '../support/typescript.mjs';
import { freePort, run } from './engine.mjs';

const version = '1.35.4';
const program = join(homedir(), '.cache', 'aerie-tests', `kube-apiserver-${version}`);
const manifests = fileURLToPath(new URL('../../docker/k8s/overlays', import.meta.url));
const token = 'a-token-of-the-foreign-tools';

/** Builds it; takes some ten minutes of two cores. The modules that live in Kubernetes' own repository have versions of their own. */
async function install() {
  await run('kubectl', ['version', '--client']);
  support('programs').ensurePrograms(['etcd']);
  if (existsSync(program)) return;
  const work = mkdtempSync(join(tmpdir(), 'aerie-kubernetes-'));
  try {
    const proxy = 'https://proxy.golang.org/k8s.io/kubernetes/@v';
    const theirs = await run('curl', ['-sSf', `${proxy}/v${version}.mod`]);
    const own = [...theirs.matchAll(/(k8s\.io\/[a-z-]+) => \.\/staging/g)].map(([, name]) => name);
    const [go] = /^go [\d.]+$/m.exec(theirs);
    const replaced = own.map((name) => `replace ${name} => ${name} v0.${version.slice(2)}`);
    const lines = ['module aerie/kubernetes', go, `require k8s.io/kubernetes v${version}`, ...replaced, ''];
    writeFileSync(join(work, 'go.mod'), lines.join('\n'));
    const env = { ...process.env, GOFLAGS: '-mod=mod' };
    const what = ['build', '-ldflags', '-s -w', '-o', 'kube-apiserver', 'k8s.io/kubernetes/cmd/kube-apiserver'];
    await run('nice', ['go', ...what], { cwd: work, env, timeout: 3_600_000 });
    mkdirSync(join(program, '..'), { recursive: true });
    await run('cp', [join(work, 'kube-apiserver'), `${program}.${process.pid}`]);
    renameSync(`${program}.${process.pid}`, program);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

class ApiServer {
  #child;
  #said = '';

  constructor(folder, port) {
    this.folder = folder;
    this.port = port;
  }

  async start(etcd) {
    const at = (name) => join(this.folder, name);
    await run('openssl', ['genrsa', '-out', at('accounts.pem'), '2048']);
    writeFileSync(at('tokens.csv'), `${token},tests,tests,"system:masters"\n`);
    const accounts = [
      'issuer=https://aerie.test',
      `key-file=${at('accounts.pem')}`,
      `signing-key-file=${at('accounts.pem')}`,
    ];
    const args = [
      ...[`--etcd-servers=${etcd}`, `--cert-dir=${at('certificates')}`, `--token-auth-file=${at('tokens.csv')}`],
      ...[`--secure-port=${this.port}`, '--bind-address=127.0.0.1', '--service-cluster-ip-range=10.0.0.0/24'],
      ...accounts.map((account) => `--service-account-${account}`),
      '--authorization-mode=RBAC',
    ];
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on('data', (text) => (this.#said += text));
    for (let tries = 0; tries < 240; tries += 1) {
      if (await this.kubectl('get', '--raw', '/readyz').catch(() => undefined)) return;
      await sleep(500);
    }
    throw new Error(`The API server was not ready within 120 s: ${this.#said.slice(-2000)}`);
  }

  kubectl(...args) {
    const where = ['--server', `https://127.0.0.1:${this.port}`, '--insecure-skip-tls-verify', '--token', token];
    const env = { ...process.env, HOME: this.folder, KUBECONFIG: join(this.folder, 'none') };
    return run('kubectl', [...where, ...args], { env });
  }

  async stop() {
    if (this.#child === undefined || this.#child.exitCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill();
    await gone;
  }
}

/** A kind of the operator's, as far as the server has to know of it. */
const definitionOf = (kind) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.toLowerCase()}s.monitoring.coreos.com` },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind, plural: `${kind.toLowerCase()}s` },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

async function checkOverlay(server, overlay) {
  const folder = join(manifests, overlay);
  const made = (await server.kubectl('apply', '--validate=strict', '-k', folder)).trim().split('\n');
  // It ends with 1, and prints what, if the server has made something else of it.
  await server.kubectl('diff', '-k', folder);
  return made.length;
}

/** Each pod is let into the restricted namespace as it stands, and is not once it forgets a part of that. */
async function checkPods(server) {
  const list = await server.kubectl('get', 'deployments,jobs', '-n', 'aerie', '-o', 'json');
  const { items } = JSON.parse(list);
  for (const { metadata, spec } of items) {
    const admit = async (pod) => {
      const file = join(server.folder, 'pod.json');
      const name = { name: metadata.name, namespace: 'aerie' };
      writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: name, spec: pod }));
      return server.kubectl('create', '--dry-run=server', '-f', file);
    };
    await admit(spec.template.spec);
    const { seccompProfile, ...securityContext } = spec.template.spec.securityContext;
    const refused = await admit({ ...spec.template.spec, securityContext }).then(
      () => '',
      (error) => error.stderr,
    );
    if (!/violates PodSecurity "restricted/.test(refused)) throw new Error(`${metadata.name}: ${refused || 'let in'}`);
  }
  return items.length;
}

async function use() {
  const folder = mkdtempSync(join(tmpdir(), 'aerie-api-server-'));
  const etcd = await support('etcd').startEtcd(1);
  const server = new ApiServer(folder, await freePort());
  try {
    await server.start(etcd.endpoints[0]);
    for (const definition of ['ServiceMonitor', 'PrometheusRule'].map(definitionOf)) {
      writeFileSync(join(folder, 'crd.json'), JSON.stringify(definition));
      await server.kubectl('apply', '-f', join(folder, 'crd.json'));
      await server.kubectl('wait', '--for=condition=established', `crd/${definition.metadata.name}`);
    }
    const single = await checkOverlay(server, 'single');
    // As the README says: a Job cannot be changed.
    await server.kubectl('delete', 'job', 'aerie-migrate', '-n', 'aerie');
    const counts = [single, await checkOverlay(server, 'split')];
    const pods = await checkPods(server);
    console.log(
      `     ${counts.join(' and ')} resources applied, nothing differs then; ${pods} pods let in as restricted`,
    );
  } finally {
    await server.stop();
    await etcd[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const apiServerTools = [{ name: `kube-apiserver ${version}: takes the manifests`, install, use }];
