import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { features } from '../../src/features/index';
import { isFiled } from '../../src/shared/config/config.values';
import { loadConfig } from '../../src/shared/config/load-config';
import { variablesOf } from '../../src/shared/config/settings';
import { type Compose, type Env, envIn, imageEnv, read, root, type Service, yaml } from '../support/deployment';

// The image, the compose files and the workflows agree with the program and with the README. Issue 14, must hold 1. They are
// run by a real engine in npm run test:foreign.

const dockerfile = read('docker/Dockerfile');
const { version, scripts } = yaml<{ version: string; scripts: Record<string, string> }>('package.json');
const variables = variablesOf(features);
const files = ['compose', 'compose.split'] as const;
const composed = Object.fromEntries(files.map((name) => [name, yaml<Compose>(`docker/${name}.yaml`)]));
const ours = files.flatMap((file) =>
  Object.entries(composed[file]?.services ?? {})
    .filter(([, { image }]) => image === 'aerie')
    .map(([name, service]): [string, Service] => [`${file}, ${name}`, service]),
);
const processes = ours.filter(([, { environment }]) => environment !== undefined);

let folder: string;
let envPath: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'aerie-shipping-'));
  for (const name of ['own', 'servers']) mkdirSync(join(folder, name));
  makeSecrets();
  envPath = join(folder, 'aerie.env');
  makeEnv();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function makeEnv(): void {
  execFileSync(process.execPath, [join(root, 'docker/make-secrets.mjs'), envPath]);
}

function makeSecrets(): void {
  execFileSync(process.execPath, [join(root, 'docker/make-secrets.mjs'), join(folder, 'own'), join(folder, 'servers')]);
}

const held = (): string[] =>
  ['own', 'servers'].flatMap((name) =>
    readdirSync(join(folder, name)).map((file) => readFileSync(join(folder, name, file), 'utf8')),
  );

/** As compose gives it: defaults in place of what nobody has set, files where the secrets are. */
function environmentOf({ environment = {} }: Service): Env {
  const given = Object.entries(environment).map(([name, value]) => {
    const text = String(value).replace(/\$\{\w+:-([^}]*)\}/, '$1');
    return [name, text.replace(/^\/secrets\//, `${join(folder, 'own')}/`)];
  });
  return { ...imageEnv(), ...Object.fromEntries(given) };
}

test('the image starts the program as npm start does, is asked by its own command, and has its version', () => {
  const [, flags = ''] = /node (--\S+) \.ci\/start\.mjs dist\/main\.js$/.exec(scripts.start ?? '') ?? [];
  expect(flags).toMatch(/^--/);
  expect(dockerfile).toContain(`\nENTRYPOINT ["node", "${flags}", "dist/main.js"]\n`);
  expect(dockerfile).toContain(' CMD ["node", "dist/main.js", "health"]\n');
  expect(dockerfile).toContain(`\nARG VERSION=${version}\n`);
  expect(dockerfile).toContain('\nUSER 10001:10001\n');
  expect(dockerfile).toMatch(/^ARG BASE=node:24\.\d+\.\d+-\w+-slim$/m);
});

test('the context of the build is what is there, and nothing that is local', () => {
  const letIn = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  expect(letIn.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  expect(read('.dockerignore')).toMatch(/^\*$/m);
  for (const path of ['.env', '.data', 'node_modules', 'dist']) expect(letIn).not.toContain(path);
});

test('nothing but a folder and secrets: the image is reachable, and asks everybody who they are', () => {
  const { http, authRequired, environment } = loadConfig({ ...imageEnv(), ...envIn(envPath) }, features);
  expect([http.host, authRequired, environment]).toEqual(['0.0.0.0', true, 'development']);
});

test('without secrets of its own the image does not start, and says which', () => {
  const bad = ['HMAC_SECRET', 'RECEIPT_KEYS', 'GRANT_KEYS', 'WEBHOOK_SECRET'];
  const named = new RegExp(`^The configuration cannot be used:\\n${bad.map((name) => `  ${name}: .+`).join('\\n')}$`);
  expect(() => loadConfig(imageEnv(), features)).toThrow(named);
});

test('secrets as variables: made once, each another, for their user alone; the command line has its own names of two', () => {
  const text = readFileSync(envPath, 'utf8');
  const { AERIE_SECRET, AERIE_TOKEN, ...made } = envIn(envPath);
  expect([AERIE_SECRET, AERIE_TOKEN]).toEqual([made.HMAC_SECRET, made.INTERNAL_API_SECRET]);
  expect(new Set(Object.values(made)).size).toBe(5);
  expect(Object.keys(made).filter((name) => !(name in variables))).toEqual([]);
  makeEnv();
  expect(readFileSync(envPath, 'utf8')).toBe(text);
  expect(statSync(envPath).mode & 0o777).toBe(0o600);
});

test('secrets are made once, each another, for their readers alone', () => {
  const first = held();
  expect(new Set(first).size).toBe(first.length);
  makeSecrets();
  expect(held()).toEqual(first);
  for (const name of readdirSync(join(folder, 'own')))
    expect([name, statSync(join(folder, 'own', name)).mode & 0o777]).toEqual([name, 0o400]);
});

test.each(processes)('%s: the program takes these settings', (_name, service) => {
  const { environment, audience } = loadConfig(environmentOf(service), features);
  expect(environment).toBe('production');
  expect(audience).not.toContain('payments');
});

test.each(files)('%s: every feature runs, or is said not to', (file) => {
  const services = Object.values(composed[file]?.services ?? {}).map(({ environment = {} }) => environment);
  const running = services.flatMap(({ MODULES, HTTP_PORT }) =>
    file === 'compose' || HTTP_PORT !== undefined ? String(MODULES ?? '').split(',') : [],
  );
  const absent = services.flatMap(({ MODULES_ABSENT }) => String(MODULES_ABSENT ?? '').split(','));
  const all = new Set([...running, ...absent].filter((name) => name !== ''));
  expect([...all].sort()).toEqual(features.map(({ contract }) => contract.name).sort());
});

test.each(processes)('%s: every variable is a known setting, and no secret stands in the file', (_name, service) => {
  const given = Object.entries(service.environment ?? {});
  expect(given.filter(([name]) => !(name in variables))).toEqual([]);
  const open = given.filter(([name]) => isFiled(variables[name] as Parameters<typeof isFiled>[0]));
  // An address without a password.
  expect(open).toEqual(open.filter(([, value]) => /^redis:\/\/[\w.]+:\d+$/.test(String(value))));
});

test.each(ours)(
  '%s: is built once, cannot write its root, has no rights, and is given the time to stop',
  (name, one) => {
    expect(one).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    // One builds it, and nobody looks for it elsewhere: two at once would get into each other's way.
    const build = name.endsWith(' secrets') ? { context: '..', dockerfile: 'docker/Dockerfile' } : undefined;
    expect([one.build, one.pull_policy]).toEqual([build, 'never']);
    if (one.environment === undefined || one.command !== undefined) return;
    const { shutdown } = loadConfig(environmentOf(one), features);
    expect([name, Number.parseInt(one.stop_grace_period ?? '10s', 10) * 1000 > shutdown.hardMs]).toEqual([name, true]);
  },
);

test('in the split each process listens where its port is published, and nobody else does', () => {
  const split = composed['compose.split']?.services ?? {};
  const ports = ['gateway', 'fairness', 'leaderboard', 'progression', 'accounts'].map((name) => {
    const port = split[name]?.environment?.HTTP_PORT;
    expect(split[name]?.ports).toContain(`127.0.0.1:${port}:${port}`);
    return port;
  });
  expect(ports).toEqual([8080, 8081, 8082, 8083, 8084]);
});

test('Prometheus asks the process of compose.yaml, and Grafana asks Prometheus', () => {
  type Scraped = { job_name: string; metrics_path: string; static_configs: { targets: string[] }[] };
  const prometheus = yaml<{ rule_files: string[]; scrape_configs: Scraped[] }>('docker/prometheus/prometheus.yml');
  expect(prometheus.scrape_configs).toEqual([
    { job_name: 'aerie', metrics_path: '/metrics', static_configs: [{ targets: ['aerie:8080'] }] },
  ]);
  for (const file of prometheus.rule_files) expect(existsSync(join(root, 'docker/prometheus', file))).toBe(true);
  const services = composed.compose?.services ?? {};
  const provisioning = 'docker/grafana/provisioning';
  const source = yaml<{ datasources: { url: string }[] }>(`${provisioning}/datasources/prometheus.yaml`);
  expect(source.datasources.map(({ url }) => url)).toEqual(['http://prometheus:9090']);
  expect(services.prometheus?.ports).toEqual(['127.0.0.1:9091:9090']);
  const provider = yaml<{ providers: { options: { path: string } }[] }>(`${provisioning}/dashboards/aerie.yaml`);
  expect(services.grafana?.volumes).toContain(`./grafana:${provider.providers[0]?.options.path}:ro`);
});

interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly with?: object;
  readonly env?: object;
  readonly 'working-directory'?: string;
}

interface Workflow {
  readonly permissions: object;
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly permissions?: object;
        readonly strategy?: { readonly matrix: { readonly node: readonly number[] } };
        readonly steps: readonly Step[];
      }
    >
  >;
}

const workflow = (name: string): Workflow => yaml<Workflow>(`.github/workflows/${name}.yml`);
const commandsOf = (name: string, job: string): string[] =>
  (workflow(name).jobs[job]?.steps ?? []).flatMap(({ run }) => run ?? []);

test('CI runs the commands of the README on every Node, and the image as the README does', () => {
  const readme = read('README.md').replace(/ \\\n\s*/g, ' ');
  expect(workflow('ci').jobs.ci?.strategy?.matrix.node).toEqual([20, 22, 24]);
  expect(commandsOf('ci', 'ci')).toEqual(['npm ci', 'npm run check', 'npm test']);
  const image = commandsOf('ci', 'image').filter((command) =>
    /^(docker (build|run|stop)|node|env|until|npm) /.test(command),
  );
  expect(image).toHaveLength(7);
  for (const command of image) expect(readme).toContain(command);
});

describe('CI replaces the last release by this version', () => {
  const { steps } = workflow('ci').jobs.upgrade as Workflow['jobs'][string];
  let place: string;
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'aerie-tags-'));
    git('init', '--quiet');
  });
  afterEach(() => rmSync(place, { recursive: true, force: true }));

  function git(...words: readonly string[]): void {
    const author = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', '-c', 'commit.gpgsign=false'];
    execFileSync('git', [...author, ...words], { cwd: place });
  }
  const commit = (): void => git('commit', '--quiet', '--allow-empty', '-m', 'A change');

  /** What the step that looks for it answers in this repository. */
  function found(): string {
    const output = join(place, '.git', 'output');
    const run = steps.find(({ id }) => id === 'last')?.run ?? '';
    execFileSync('bash', ['-e', '-o', 'pipefail', '-c', run], {
      cwd: place,
      env: { ...process.env, GITHUB_OUTPUT: output },
    });
    return readFileSync(output, 'utf8');
  }

  test('the last release is the highest version before this commit; there may be none', () => {
    commit();
    expect(found()).toBe('release=\n');
    rmSync(join(place, '.git', 'output'));
    for (const tag of ['v0.9.0', 'v0.10.0', 'v0.11.0-rc.1', 'nightly']) git('tag', tag);
    commit();
    git('tag', 'v1.0.0');
    expect(found()).toBe('release=v0.10.0\n');
  });

  test('it is built in a place of its own, and is what the test of rolling upgrades replaces', () => {
    const [checkout] = steps;
    expect(checkout).toMatchObject({ with: { 'fetch-depth': 0 } });
    const later = steps.slice(steps.findIndex(({ id }) => id === 'last') + 1);
    expect(later.map(({ if: condition }) => condition)).toEqual(later.map(() => "steps.last.outputs.release != ''"));
    const worktree = '../last-release';
    expect(later.map(({ run, 'working-directory': where }) => [where ?? '.', run])).toEqual([
      ['.', 'npm ci'],
      ['.', `git worktree add ${worktree} "$RELEASE"`],
      [worktree, 'npm ci && node .ci/build.mjs'],
      ['.', 'npx jest test/faults/rolling'],
    ]);
    expect(later.at(-1)?.env).toEqual({ TEST_PREVIOUS_DIST: `\${{ github.workspace }}/${worktree}/dist` });
    expect(read('test/faults/rolling.test.ts')).toContain('process.env.TEST_PREVIOUS_DIST');
    expect(existsSync(join(root, '.ci/build.mjs'))).toBe(true);
  });
});

test.each(['ci', 'release'])('%s: every action is pinned, and may no more than it needs', (name) => {
  const { permissions, jobs } = workflow(name);
  expect(permissions).toEqual({ contents: 'read' });
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  expect(steps.flatMap(({ uses = [] }) => uses).filter((uses) => !/^[\w-]+\/[\w-]+@v\d+$/.test(String(uses)))).toEqual(
    [],
  );
});

test('a release is an image with its bill of materials and its provenance', () => {
  const { jobs } = workflow('release');
  const build = jobs.image?.steps.find(({ uses }) => uses?.startsWith('docker/build-push-action'));
  expect(build?.with).toMatchObject({ file: 'docker/Dockerfile', push: true, sbom: true, provenance: 'mode=max' });
  const rights = { contents: 'read', packages: 'write', 'id-token': 'write', attestations: 'write' };
  expect(jobs.image?.permissions).toEqual(rights);
});
