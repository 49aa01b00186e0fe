// docker/Dockerfile, built by a real engine and run as nobody in particular, without rights, on a root that cannot be written.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { baseImage, bringBase } from './base-image.mjs';
import { Engine, ensureEngine, freePort, run } from './engine.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What engines keep: the next one of this process finds the image there, and with TEST_CONTAINERS_DIR that of the next run. */
export const data = process.env.TEST_CONTAINERS_DIR ?? join(tmpdir(), `aerie-containers-${process.pid}`);
if (process.env.TEST_CONTAINERS_DIR === undefined)
  process.on('exit', () => rmSync(data, { recursive: true, force: true }));
const envFile = join(data, 'aerie-test.env');
const maxBeyondBase = 200_000_000;
const restricted = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--memory', '512m'];

export function must(holds, sentence) {
  if (!holds) throw new Error(sentence);
}

export async function patiently(what, seconds, ask) {
  for (let tries = 0; tries < seconds * 2; tries += 1) {
    if (await ask()) return;
    await sleep(500);
  }
  throw new Error(`${what}: not within ${seconds} s`);
}

/** Builds it as `aerie`, with `docker build` as the README has it. Answers a sentence about its base. */
export async function buildImage(engine) {
  const isReal = await bringBase(engine);
  // Without a network of its own an engine lends the machine's to those who build.
  const network = engine.socket ? ['--network', 'host'] : [];
  await engine.docker('build', ...network, '-f', join(root, 'docker/Dockerfile'), '-t', 'aerie', root);
  return isReal ? `on ${baseImage}` : `on a stand-in for ${baseImage}, since no registry answers`;
}

const inspect = async (engine, what, format) => (await engine.docker('inspect', what, '--format', format)).trim();

async function sizeBeyondBase(engine) {
  const [whole, base] = [await inspect(engine, 'aerie', '{{.Size}}'), await inspect(engine, baseImage, '{{.Size}}')];
  const beyond = Number(whole) - Number(base);
  must(beyond <= maxBeyondBase, `the image is ${beyond} bytes larger than its base; ${maxBeyondBase} are allowed`);
  return beyond;
}

/** What the image says of itself before it runs. */
async function checkLabels(engine) {
  const config = JSON.parse(await inspect(engine, 'aerie', '{{json .Config}}'));
  must(config.User === '10001:10001', `the image runs as ${config.User}`);
  for (const name of ['title', 'licenses', 'version', 'revision'])
    must(config.Labels[`org.opencontainers.image.${name}`], `the image has no label ${name}`);
  must(config.Healthcheck.Test.join(' ') === 'CMD node dist/main.js health', 'the image has another health check');
}

/** Where it listens: an engine without a network lends the machine's, on which ports may be taken. */
async function portsOf(engine) {
  const [http, grpc, chat] = [await freePort(), await freePort(), await freePort()];
  const own = Object.entries({ HTTP_PORT: http, GRPC_PORT: grpc, CHAT_PORT: chat });
  if (engine.socket)
    return { http, args: ['--network', 'host', ...own.flatMap(([name, port]) => ['-e', `${name}=${port}`])] };
  return { http, args: ['-p', `127.0.0.1:${http}:8080`] };
}

/** With nothing it ends, and says what it lacks. */
async function checkRefusal(engine, { args }) {
  const refused = await engine.docker('run', '--name', 'aerie-test-bare', ...args, ...restricted, 'aerie').then(
    () => 'it has ended with 0',
    ({ code, stderr }) => `${code} ${stderr}`,
  );
  for (const name of ['HMAC_SECRET', 'RECEIPT_KEYS', 'GRANT_KEYS', 'WEBHOOK_SECRET'])
    must(refused.startsWith('78 ') && refused.includes(`  ${name}: `), `without secrets of its own: ${refused}`);
}

/** Secrets as the README makes them. Answers them by their names. */
async function makeSecrets() {
  mkdirSync(data, { recursive: true });
  await run(process.execPath, [join(root, 'docker/make-secrets.mjs'), envFile]);
  const lines = readFileSync(envFile, 'utf8').trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2)));
}

/** Runs with nothing but secrets and a volume until the engine says that it is healthy. */
async function checkRun(engine, { http, args }) {
  const given = ['--env-file', envFile, '-v', 'aerie-test-data:/data'];
  await engine.docker('run', '-d', '--name', 'aerie-test', ...args, ...restricted, ...given, 'aerie');
  await patiently('the container is healthy', 120, async () => {
    const { Status, Health } = JSON.parse(await inspect(engine, 'aerie-test', '{{json .State}}'));
    must(Status === 'running', `the container is ${Status}`);
    return Health.Status === 'healthy';
  });
  await engine.docker('exec', 'aerie-test', 'node', 'dist/main.js', 'health');
  must((await engine.docker('exec', 'aerie-test', 'id', '-u')).trim() === '10001', 'it runs as somebody else');
  const touch = engine.docker('exec', 'aerie-test', 'touch', '/app/x');
  must(
    await touch.then(
      () => false,
      (error) => /Read-only file system/.test(error.stderr),
    ),
    'its root can be written',
  );
  for (const [path, status] of Object.entries({ live: 'alive', ready: 'ready' })) {
    const answer = await fetch(`http://127.0.0.1:${http}/health/${path}`);
    must(answer.status === 200 && (await answer.json()).status === status, `/health/${path} answers otherwise`);
  }
}

/** From outside, as whoever has a checkout; then it is told to stop. */
async function checkDemo(engine, { http }, secrets) {
  const env = { ...process.env, ...secrets };
  const url = ['--', '--url', `http://127.0.0.1:${http}`];
  const said = await run('npm', ['run', '--silent', 'demo', ...url], { cwd: root, env });
  must(/its receipt, verified/.test(said), `the demo ends otherwise: ${said}`);
  await engine.docker('stop', '-t', '15', 'aerie-test');
  must((await inspect(engine, 'aerie-test', '{{.State.ExitCode}}')) === '0', 'it was stopped and did not end with 0');
  const log = await engine.docker('logs', 'aerie-test');
  must(!/"level":"(error|fatal)"/.test(log), `its log has errors: ${log}`);
}

/** The bill of materials names what is in the image, and nothing that only builds it. */
async function checkBill(engine) {
  const target = ['-f', join(root, 'docker/Dockerfile'), '--target', 'sbom', '-t', 'aerie-sbom'];
  await engine.docker('build', '-q', ...target, root);
  const container = (await engine.docker('create', 'aerie-sbom', 'nothing')).trim();
  for (const name of ['aerie.cdx.json', 'aerie.spdx.json']) {
    await engine.docker('cp', `${container}:/${name}`, join(data, name));
    const bill = JSON.parse(readFileSync(join(data, name), 'utf8'));
    const names = (bill.components ?? bill.packages).map((one) => one['bom-ref'] ?? one.SPDXID);
    must(names.length > 100 && names.some((one) => /better-sqlite3.*13\./.test(one)), `${name} lacks packages`);
    must(!names.some((one) => /jest|typescript|biome/.test(one)), `${name} names tools that are not in the image`);
  }
  await engine.docker('rm', container);
}

async function use() {
  const engine = await Engine.start(data);
  try {
    const base = await buildImage(engine);
    await checkLabels(engine);
    const beyond = await sizeBeyondBase(engine);
    const ports = await portsOf(engine);
    await checkRefusal(engine, ports);
    const secrets = await makeSecrets();
    await checkRun(engine, ports);
    await checkDemo(engine, ports, secrets);
    await checkBill(engine);
    console.log(`     ${base}; ${Math.round(beyond / 1e6)} MB beyond it`);
  } catch (error) {
    const logs = await engine.docker('logs', 'aerie-test').catch(() => 'there is no container');
    throw new Error(`${error.message}\n${error.stderr ?? ''}\nThe container: ${logs}`);
  } finally {
    const left = await engine.docker('ps', '-aq', '--filter', 'name=aerie-test');
    if (left.trim() !== '') await engine.docker('rm', '-f', '-v', ...left.trim().split('\n'));
    await engine.stop();
  }
}

export const imageTools = [
  {
    name: 'Docker: the image is built, runs as uid 10001 without rights on a read-only root, passes the demo, ends with 0',
    install: ensureEngine,
    use,
  },
];
