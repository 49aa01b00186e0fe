import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CORE_SCHEMA, load, loadAll, mergeTag } from 'js-yaml';

// What docker/ and .github/ say, as far as it has to agree with the program.

export const root = join(__dirname, '..', '..');
const schema = CORE_SCHEMA.withTags(mergeTag);

export const read = (path: string): string => readFileSync(join(root, path), 'utf8');
export const yaml = <T>(path: string): T => load(read(path), { schema }) as T;
export const yamls = <T>(path: string): T[] => loadAll(read(path), { schema }) as T[];
/** YAML within YAML. */
export const inner = <T>(text: string): T => load(text, { schema }) as T;

export type Env = Readonly<Record<string, string>>;

/** `NAME=value`, a line each, in a file of the project. */
export function envFile(path: string): Env {
  return envIn(join(root, path));
}

/** The same, wherever it is. */
export function envIn(path: string): Env {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)]));
}

export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
  readonly periodSeconds: number;
  readonly initialDelaySeconds?: number;
  readonly timeoutSeconds?: number;
}

interface Variable {
  readonly name: string;
  readonly value: string;
}

export interface Container {
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly Variable[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly securityContext: object;
  readonly resources: { readonly requests: object; readonly limits: object };
}

/** A Deployment or a Job. */
export interface Workload {
  readonly kind: string;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly Container[];
        readonly securityContext: object;
        readonly automountServiceAccountToken: boolean;
        readonly serviceAccountName: string;
        readonly terminationGracePeriodSeconds?: number;
      };
    };
  };
}

export interface Kustomization {
  readonly resources: readonly string[];
  readonly images?: readonly { readonly name: string; readonly newTag: string }[];
  readonly configMapGenerator?: readonly { readonly envs: readonly string[] }[];
  readonly patches?: readonly { readonly target: { readonly kind: string }; readonly patch: string }[];
}

export interface Service {
  readonly image: string;
  readonly build?: object;
  readonly pull_policy?: string;
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
}

export const overlays = ['single', 'split'] as const;
const k8s = 'docker/k8s';

/** Every file that a kustomization names, from itself on. */
export function filesOf(folder: string): string[] {
  const { resources, configMapGenerator = [] } = yaml<Kustomization>(`${folder}/kustomization.yaml`);
  const named = [...resources, ...configMapGenerator.flatMap(({ envs }) => envs)].map((name) => join(folder, name));
  return named.flatMap((path) => (existsSync(join(root, path, 'kustomization.yaml')) ? filesOf(path) : [path]));
}

/** The settings of each kind of process of an overlay, by its name: the ConfigMap's, and its own. */
export function processesOf(overlay: (typeof overlays)[number]): Record<string, Env> {
  const folder = `${k8s}/overlays/${overlay}`;
  const map = Object.assign(
    {},
    ...filesOf(folder)
      .filter((path) => path.endsWith('.env'))
      .map(envFile),
  ) as Env;
  if (overlay === 'single') return { all: map, migrate: map };
  const parts = yaml<Kustomization>(`${folder}/kustomization.yaml`).resources.filter((name) => !/[/.]/.test(name));
  const own = (name: string): Env => {
    const { patches = [] } = yaml<Kustomization>(`${folder}/${name}/kustomization.yaml`);
    const operations = patches.flatMap(({ patch }) => inner<{ path: string; value: Variable[] }[]>(patch));
    const variables = operations.find(({ path }) => path.endsWith('/env'))?.value ?? [];
    return Object.fromEntries(variables.map(({ name, value }) => [name, value]));
  };
  return { migrate: map, ...Object.fromEntries(parts.map((name) => [name, { ...map, ...own(name) }])) };
}

/** The environment that the image has by itself. */
export function imageEnv(): Env {
  const [, line = ''] = /^ENV (.+)$/m.exec(read('docker/Dockerfile')) ?? [];
  return Object.fromEntries(line.split(' ').map((pair) => pair.split('=') as [string, string]));
}
