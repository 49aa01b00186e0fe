import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import type { z } from 'zod';
import { ChatSettings } from '../../src/features/chat/chat.settings';
import { features } from '../../src/features/index';
import { isFiled } from '../../src/shared/config/config.values';
import { loadConfig } from '../../src/shared/config/load-config';
import { parseRedisUrl } from '../../src/shared/config/redis-url';
import { variablesOf } from '../../src/shared/config/settings';
import { startApp } from '../support/app';
import {
  type Container,
  type Env,
  filesOf,
  imageEnv,
  type Kustomization,
  overlays,
  processesOf,
  read,
  root,
  type Workload,
  yaml,
  yamls,
} from '../support/deployment';
import { samplesOf } from '../support/grafana';
import { makeKeyFile } from '../support/keys';

// What docker/k8s says agrees with the program. Issue 14, must hold 2. Real tools judge the rest: npm run test:foreign.

const k8s = 'docker/k8s';
const deployment = yaml<Workload>(`${k8s}/process/deployment.yaml`);
const job = yaml<Workload>(`${k8s}/base/migrate.yaml`);
const server = deployment.spec.template.spec.containers[0] as Container;
const variables = variablesOf(features);
const isSecret = (name: string): boolean => isFiled(variables[name] as z.ZodType);
/** What the operator calls each process by; a label of the program with such a name is called exported_ by Prometheus. */
const operatorsLabels = ['namespace', 'service', 'pod', 'container', 'endpoint'];
interface Endpoint {
  readonly port: string;
  readonly path: string;
  readonly relabelings: readonly { readonly action: string; readonly regex: string }[];
}
interface Policy {
  readonly spec: {
    readonly ingress: readonly { readonly ports: readonly { readonly port: number }[] }[];
    readonly egress: readonly { readonly ports: readonly { readonly port: number }[] }[];
  };
}
const systems = overlays.flatMap((overlay) =>
  Object.entries(processesOf(overlay)).map(([name, env]): [string, Env] => [`${overlay}, ${name}`, env]),
);

let folder: string;
let keyFile: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aerie-manifests-'));
  keyFile = await makeKeyFile(folder, 'jwt');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The Secret of the example, with these values in place of what is given there. */
function secrets(secretOf: (name: string, given: string) => string): Env {
  const [example] = yamls<{ stringData: Env }>(`${k8s}/secret.example.yaml`);
  return Object.fromEntries(
    Object.entries(example?.stringData ?? {}).map(([name, given]) => [name, secretOf(name, given)]),
  );
}

const random = (): string => randomBytes(32).toString('hex');
const real: Readonly<Record<string, string>> = {
  DATABASE_URL: 'postgres://aerie:a-password-of-its-own@db:5432/aerie',
  REDIS_URL: 'redis://redis:6379',
  RECEIPT_KEYS: `2026-11:${random()}`,
  GRANT_KEYS: `2026-11:${random()}`,
};

function configOf(env: Env, secretOf: (name: string, given: string) => string) {
  return loadConfig({ ...imageEnv(), ...env, ...secrets(secretOf), JWT_PRIVATE_KEY_FILE: keyFile }, features);
}

test.each(systems)('%s: the program takes these settings, with secrets of its own', (_name, env) => {
  const config = configOf(env, (name) => real[name] ?? random());
  expect(config.environment).toBe('production');
  expect(config.http.host).toBe('0.0.0.0');
});

test.each(systems)('%s: the secrets of the example are refused, each by its name', (_name, env) => {
  const refusal = (): unknown => configOf(env, (_name, given) => given);
  for (const name of Object.keys(secrets(() => ''))) expect(refusal).toThrow(name);
});

test.each(systems)('%s: every variable is a known setting, and none is a secret', (_name, env) => {
  expect(Object.keys(env).filter((name) => !(name in variables))).toEqual([]);
  expect(Object.keys(env).filter(isSecret)).toEqual([]);
  expect(Object.keys(secrets(() => '')).filter((name) => !isSecret(name))).toEqual([]);
});

test.each(overlays)('%s: every feature runs, or is said not to', (overlay) => {
  const { migrate = {}, ...processes } = processesOf(overlay);
  const running = Object.values(processes).flatMap(({ MODULES = '' }) => MODULES.split(','));
  const all = [...running, ...(migrate.MODULES_ABSENT?.split(',') ?? [])];
  expect(all.sort()).toEqual(features.map(({ contract }) => contract.name).sort());
});

test('in the split each feature runs once, where its address says, and the gateway answers for all others', () => {
  const { migrate = {}, ...processes } = processesOf('split');
  const placed = Object.entries(processes).flatMap(([name, { MODULES = '' }]) =>
    MODULES.split(',').map((feature) => [feature, name] as const),
  );
  expect(placed.map(([feature]) => feature).sort()).toEqual(migrate.MODULES?.split(',').sort());
  for (const [feature, name] of placed)
    expect(migrate[`${feature.toUpperCase().replace(/-/g, '_')}_URL`]).toBe(`grpc://aerie-${name}:9090`);
  const others = placed.flatMap(([feature, name]) => (name === 'gateway' ? [] : [feature]));
  expect(processes.gateway?.EXPOSE?.split(',').sort()).toEqual(others.sort());
});

test('probes and Prometheus ask what the program answers', async () => {
  const [scraped] = yaml<{ spec: { endpoints: Endpoint[] } }>(`${k8s}/base/service-monitor.yaml`).spec.endpoints;
  const probes = [server.startupProbe, server.livenessProbe, server.readinessProbe];
  expect([...probes.map(({ httpGet }) => httpGet.port), scraped?.port]).toEqual(Array(4).fill('http'));
  const app = await startApp();
  try {
    for (const path of [...probes.map(({ httpGet }) => httpGet.path), scraped?.path]) {
      const answer = await request(`${app.url}${path}`);
      expect([path, answer.statusCode]).toEqual([path, 200]);
      await answer.body.dump();
    }
    const text = await (await request(`${app.url}${scraped?.path}`)).body.text();
    const told = new Set([...samplesOf(text).values()].flatMap((labels) => [...labels.keys()]));
    const taken = operatorsLabels.filter((label) => told.has(label));
    expect(scraped?.relabelings).toEqual(taken.map((regex) => ({ action: 'labeldrop', regex })));
  } finally {
    await app.stop();
  }
  expect(server.livenessProbe).toMatchObject({ initialDelaySeconds: 5, periodSeconds: 10 });
  expect(server.readinessProbe).toMatchObject({ initialDelaySeconds: 10, periodSeconds: 5 });
  expect(server.livenessProbe.httpGet.path).toBe('/health/live');
  expect(server.readinessProbe.httpGet.path).toBe('/health/ready');
});

test.each(systems)('%s: whoever is told to stop is given the time, and balancers hear of it before', (_name, env) => {
  const { shutdown } = configOf(env, (name) => real[name] ?? random());
  const { terminationGracePeriodSeconds = 30 } = deployment.spec.template.spec;
  expect(terminationGracePeriodSeconds * 1000).toBeGreaterThan(shutdown.hardMs);
  expect(shutdown.drainMs).toBeGreaterThan(server.readinessProbe.periodSeconds * 1000);
});

test('ports are those on which the program listens', () => {
  const { http, grpc, settings } = configOf(processesOf('single').all ?? {}, (name) => real[name] ?? random());
  const { port: chat } = settings.get(ChatSettings) as ChatSettings;
  const listened = { http: http.port, grpc: grpc.port, chat };
  const named = server.ports?.map(({ name, containerPort }) => [name, containerPort]) ?? [];
  expect(Object.fromEntries(named)).toEqual(listened);
  const service = yaml<{ spec: { ports: { name: string; port: number; targetPort: string }[] } }>(
    `${k8s}/process/service.yaml`,
  );
  expect(service.spec.ports).toEqual(
    Object.entries(listened).map(([name, port]) => ({ name, port, targetPort: name })),
  );
  const [own, doors] = yamls<Policy>(`${k8s}/base/network-policy.yaml`);
  const open = (policy: Policy | undefined) => policy?.spec.ingress.map(({ ports }) => ports.map(({ port }) => port));
  expect(open(own)).toEqual([[http.port, grpc.port], [http.port]]);
  expect(open(doors)).toEqual([Object.values(listened)]);
});

test('what the program may be told to stand on is let out to, where it listens by default', () => {
  const [own] = yamls<Policy>(`${k8s}/base/network-policy.yaml`);
  const open = own?.spec.egress.at(-1)?.ports.map(({ port }) => port);
  const hosts = ['redis://one', 'redis+sentinel://one/aerie', 'redis+cluster://one'].flatMap(
    (url) => parseRedisUrl(url).hosts,
  );
  // Those of PgBouncer and ProxySQL, which the README names.
  expect(open).toEqual(expect.arrayContaining([...hosts.map(({ port }) => port), 6432, 6033]));
});

test('the operator is given the alerts of docker/prometheus/rules.yml, as they are', () => {
  const script = 'test/architecture/prometheus-rule.mjs';
  const rendered = execFileSync(process.execPath, [script, '--print'], { cwd: root, encoding: 'utf8' });
  expect(read(`${k8s}/base/prometheus-rule.yaml`)).toBe(rendered);
  type Rules = { groups: { rules: object[] }[] };
  const object = yaml<{ apiVersion: string; kind: string; spec: Rules }>(`${k8s}/base/prometheus-rule.yaml`);
  expect([object.apiVersion, object.kind]).toEqual(['monitoring.coreos.com/v1', 'PrometheusRule']);
  expect(object.spec).toEqual(yaml<Rules>('docker/prometheus/rules.yml'));
  for (const overlay of overlays)
    expect(filesOf(`${k8s}/overlays/${overlay}`)).toContain(`${k8s}/base/prometheus-rule.yaml`);
});

test.each([
  ['the server', deployment],
  ['the migration', job],
])('%s runs without rights, on a root that it cannot write, with bounds', (_name, { spec }) => {
  const pod = spec.template.spec;
  const ids = { runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001 };
  expect(pod).toMatchObject({ automountServiceAccountToken: false, serviceAccountName: 'aerie' });
  expect(pod.securityContext).toEqual({ runAsNonRoot: true, ...ids, seccompProfile: { type: 'RuntimeDefault' } });
  expect(pod.containers).toHaveLength(1);
  for (const { securityContext, resources } of pod.containers) {
    const none = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };
    expect(securityContext).toEqual(none);
    expect(resources).toMatchObject({ requests: { cpu: expect.anything(), memory: expect.anything() } });
    expect(resources.limits).toMatchObject({ memory: expect.anything() });
  }
});

test.each(overlays)(
  '%s: every file is there, and the image has one name and the version that is built here',
  (name) => {
    const { version } = yaml<{ version: string }>('package.json');
    const own = yaml<Kustomization>(`${k8s}/overlays/${name}/kustomization.yaml`);
    expect(filesOf(`${k8s}/overlays/${name}`).filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(own.images).toMatchObject([{ name: 'aerie', newTag: version }]);
    expect([server.image, job.spec.template.spec.containers[0]?.image]).toEqual(['aerie', 'aerie']);
    expect(job.spec.template.spec.containers[0]?.args).toEqual(['migrate']);
  },
);
