// npm run test:foreign: other people's tools on the built application: a linter, a fuzzer, generated clients, a collector of
// traces, a server that speaks SQS. They are installed into a temporary folder (the server: once, into ~/.cache), so the network is needed; it tells
// what it ran and what it could not. Not part of npm test.
// Exit 1: a tool found something. Exit 2: no tool could be installed.
import { execFile, fork } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { support } from '../support/typescript.mjs';
import { apiServerTools } from './api-server.mjs';
import { composeTools } from './compose.mjs';
import { freePort } from './engine.mjs';
import { unexplained } from './exceptions.mjs';
import { imageTools } from './image.mjs';
import { manifestTools } from './manifests.mjs';
import { nodeTools } from './nodes.mjs';

const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'aerie-foreign-'));
const at = (...names) => join(folder, ...names);
const secret = 'a-secret-of-the-foreign-tools-of-40-bytes';
const versions = {
  spectral: '6',
  openapiTypescript: '7',
  openapiFetch: '0',
  python: '0.29.1',
  schemathesis: '4.32.5',
  rotel: '0.0.1a15',
};

async function run(command, args, options = {}) {
  const settings = { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28, timeout: 300_000, ...options };
  const { stdout } = await promisify(execFile)(command, args, settings);
  return stdout;
}

const npm = (...packages) =>
  run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder, ...packages]);
async function pip(name) {
  await run('python3', ['-m', 'venv', at('venv')]);
  await run(at('venv', 'bin', 'pip'), ['install', '--quiet', name]);
}

/** Where pip has put a package. */
async function packageOf(name) {
  const ask = `import importlib.util as i; print(i.find_spec('${name}').submodule_search_locations[0])`;
  return (await run(at('venv', 'bin', 'python'), ['-c', ask])).trim();
}

/** Our own suites, on another server than npm test has. Answers what they have printed of their own. */
async function jest(more, ...what) {
  const env = { ...process.env, ...more };
  const limits = { cwd: file('../..'), timeout: 1_800_000, env };
  return run(file('../../node_modules/.bin/jest'), what, limits);
}

const tools = [
  {
    name: `spectral ${versions.spectral}: all rules of spectral:oas`,
    install: () => npm(`@stoplight/spectral-cli@${versions.spectral}`),
    async use() {
      writeFileSync(at('.spectral.json'), JSON.stringify({ extends: ['spectral:oas'] }));
      const spectral = at('node_modules', '.bin', 'spectral');
      await run(spectral, ['lint', 'openapi.json', '-r', '.spectral.json', '--fail-severity=hint']);
    },
  },
  {
    name: `openapi-typescript ${versions.openapiTypescript} with openapi-fetch: a client that compiles and runs`,
    install: () =>
      npm(
        `openapi-typescript@${versions.openapiTypescript}`,
        `openapi-fetch@${versions.openapiFetch}`,
        '@types/node@20',
      ),
    async use(environment) {
      mkdirSync(at('typescript'), { recursive: true });
      symlinkSync(at('node_modules'), at('typescript', 'node_modules'));
      await run(at('node_modules', '.bin', 'openapi-typescript'), [
        'openapi.json',
        '-o',
        at('typescript', 'schema.ts'),
      ]);
      copyFileSync(file('client.ts.txt'), at('typescript', 'client.ts'));
      writeFileSync(at('typescript', 'package.json'), '{"type":"module"}');
      const strict = ['--strict', '--noUncheckedIndexedAccess', '--skipLibCheck', '--types', 'node'];
      const modules = ['--module', 'nodenext', '--target', 'es2022', '--rewriteRelativeImportExtensions'];
      const compiler = file('../../node_modules/.bin/tsc');
      await run(compiler, [...strict, ...modules, 'client.ts'], { cwd: at('typescript') });
      await run(process.execPath, ['client.js'], { cwd: at('typescript'), env: environment });
    },
  },
  {
    name: `openapi-python-client ${versions.python}: a client that runs`,
    install: () => pip(`openapi-python-client==${versions.python}`),
    async use(environment) {
      const generator = at('venv', 'bin', 'openapi-python-client');
      await run(generator, ['generate', '--path', 'openapi.json', '--output-path', 'python', '--meta', 'none']);
      await run('mv', ['python', 'aerie_client']);
      await run(at('venv', 'bin', 'python'), [file('client.py')], { env: { ...environment, PYTHONPATH: folder } });
    },
  },
  {
    name: `schemathesis ${versions.schemathesis}: every check, without what exceptions.mjs names`,
    install: () => pip(`schemathesis==${versions.schemathesis}`),
    async use({ AERIE_URL: url }) {
      const program = at('venv', 'bin', 'schemathesis');
      const limits = ['--max-examples', '25', '--workers', '2', '--continue-on-failure'];
      const report = ['--report-junit-path', at('report.xml'), '-H', `Authorization: Bearer ${secret}`];
      // It says 1 when it has found anything, also what is explained.
      await run(program, ['run', 'openapi.json', '--url', url, '--checks', 'all', ...limits, ...report]).catch(
        (error) => {
          if (error.code !== 1) throw error;
        },
      );
      const { findings, left } = unexplained(readFileSync(at('report.xml'), 'utf8'));
      if (left.length > 0) throw new Error(left.join('\n\n'));
      console.log(`     ${findings} findings, all of them explained`);
    },
  },
  {
    name: `rotel ${versions.rotel}, a collector of traces: an event is one trace there, in one process and in four`,
    install: () => pip(`rotel==${versions.rotel}`),
    async use() {
      const printed = await jest(
        { TEST_ROTEL: join(await packageOf('rotel'), 'rotel-agent') },
        ...['--testMatch', file('../../test/foreign/tracing.foreign.ts')],
      );
      process.stdout.write(printed);
    },
  },
  {
    name: 'ElasticMQ 1.7.1: the suites of every bus on SQS, standard and FIFO, and systems of seven processes that are killed',
    install: () => support('elasticmq').ensureElasticMq(),
    async use() {
      const suites = ['test/foreign/sqs.foreign.ts', 'test/shared/bus/*.test.ts', 'test/shared/log/buses.test.ts'];
      const patterns = suites.map((suite) => file(`../../${suite}`));
      await jest({ TEST_BROKERS: 'sqs,sqs with fifo' }, ...patterns.flatMap((pattern) => ['--testMatch', pattern]));
      await jest({ TEST_BROKERS: 'sqs' }, 'test/faults/split.test.ts', '-t', 'postgres');
      await jest({ TEST_BROKERS: 'sqs with fifo' }, 'test/faults/split.test.ts', '-t', 'mysql');
    },
  },
];

async function serve(port) {
  const environment = {
    ...{ HTTP_PORT: String(port), GRPC_ENABLED: 'false', CHAT_PORT: '0', LOG_LEVEL: 'error', SHUTDOWN_DRAIN_MS: '0' },
    ...{ DATABASE_URL: `sqlite:${at('aerie.db')}`, AUTH_REQUIRED: 'true', INTERNAL_API_SECRET: secret },
    RATE_LIMIT_MAX: '1000000',
  };
  const child = fork(file('../../dist/main.js'), {
    cwd: folder,
    env: { ...process.env, ...environment },
    silent: true,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  for (let tries = 0; tries < 120; tries += 1) {
    const ready = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
    if (ready?.ok) return child;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  child.kill();
  throw new Error(`The application did not become ready within 30 s: ${said}`);
}

/** `npm run test:foreign -- docker compose` runs the tools with one of these words in their names. */
const words = process.argv.slice(2).map((word) => word.toLowerCase());
const chosen = [...tools, ...imageTools, ...composeTools, ...manifestTools, ...apiServerTools, ...nodeTools].filter(
  ({ name }) => words.length === 0 || words.some((word) => name.toLowerCase().includes(word)),
);

const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const application = await serve(port);
let [ran, failed] = [0, 0];
try {
  writeFileSync(at('openapi.json'), await (await fetch(`${url}/docs/openapi.json`)).text());
  for (const { name, install, use } of chosen) {
    try {
      await install();
    } catch (error) {
      console.log(
        `could not  ${name}\n     ${String(error.stderr ?? error.message)
          .trim()
          .split('\n')
          .at(-1)}`,
      );
      continue;
    }
    ran += 1;
    try {
      await use({ ...process.env, AERIE_URL: url, AERIE_SECRET: secret });
      console.log(`ok         ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED     ${name}\n${[error.stdout, error.stderr, error.message].filter(Boolean).join('\n')}`);
    }
  }
} finally {
  application.kill();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${ran} of ${chosen.length} tools ran; ${failed} found something.`);
if (ran === 0) process.exitCode = 2;
if (failed > 0) process.exitCode = 1;
