// docker/compose.yaml and docker/compose.split.yaml, run by a real compose on the image that is built here. Where no registry
// answers, Debian's servers stand in for the images of others, and Grafana is left out.
import { fileURLToPath } from 'node:url';
import { baseImage } from './base-image.mjs';
import { Engine, ensureEngine } from './engine.mjs';
import { buildImage, data, must, patiently } from './image.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const files = { one: at('../../docker/compose.yaml'), split: at('../../docker/compose.split.yaml') };
const images = {
  postgres: 'postgres:17-alpine',
  mysql: 'mysql:8.4',
  redis: 'redis:7.4-alpine',
  prometheus: 'prom/prometheus:v3.5.0',
};
const grafana = 'grafana/grafana:12.0.2';

/** All images that the files name. Answers the sentence about them, and the services that cannot be run. */
async function bringImages() {
  const engine = await Engine.start(data);
  try {
    await buildImage(engine);
    const pulls = (image) =>
      engine.docker('pull', image).then(
        () => true,
        () => false,
      );
    if (await pulls(images.redis)) {
      for (const image of [...Object.values(images), grafana]) await engine.docker('pull', image);
      return { said: 'with the real images', absent: [] };
    }
    const file = ['-f', at('stand-ins.dockerfile'), '--build-arg', `BASE=${baseImage}`, '--network', 'host'];
    for (const [target, image] of Object.entries(images))
      await engine.docker('build', ...file, '--target', target, '-t', image, at('.'));
    return { said: "with Debian's PostgreSQL, MariaDB, Redis and Prometheus, without Grafana", absent: ['grafana'] };
  } finally {
    await engine.stop();
  }
}

/** One system, from nothing until it is gone again. */
class System {
  constructor(engine, file) {
    this.engine = engine;
    this.file = file;
  }

  compose(...args) {
    return this.engine.compose(['-f', this.file, ...args]);
  }

  async up(absent) {
    const all = (await this.compose('config', '--services')).trim().split('\n');
    const services = all.filter((name) => !absent.includes(name));
    // The image was built before: in this network nothing can be fetched.
    await this.compose('up', '-d', '--no-build', '--pull', 'never', ...services);
  }

  get(url) {
    return this.engine.beside('curl', ['-sf', '--max-time', '10', url]);
  }

  ready(port) {
    const url = `http://127.0.0.1:${port}/health/ready`;
    return patiently(url, 180, async () => /"status":"ready"/.test(await this.get(url).catch(() => '')));
  }

  /** The command line, in a container, with the secrets that were made. */
  aerie(service, ...args) {
    const secrets = ['--token', '@/secrets/internal', '--secret', '@/secrets/hmac'];
    return this.compose('exec', '-T', service, 'node', 'dist/client/aerie.js', ...secrets, ...args);
  }

  /** What is told to stop ends with 0. */
  async stop(services) {
    await this.compose('stop', ...services);
    const states = (await this.compose('ps', '-a', '--format', '{{.Service}} {{.ExitCode}}', ...services)).trim();
    for (const line of states.split('\n')) must(line.endsWith(' 0'), `it was stopped, and did not end with 0: ${line}`);
  }

  async down() {
    await this.compose('down', '--volumes', '--timeout', '20');
  }

  async logs() {
    return (await this.compose('logs', '--no-color', '--tail', '15')).slice(-6000);
  }
}

async function within(engine, file, check) {
  const system = new System(engine, file);
  try {
    await check(system);
  } catch (error) {
    throw new Error(`${error.message}\n${error.stderr ?? ''}\n${await system.logs()}`);
  } finally {
    await system.down();
  }
}

async function checkOne(system, absent) {
  await system.up(absent);
  await system.ready(8080);
  must(/its receipt, verified/.test(await system.aerie('aerie', 'demo')), 'the demo ends otherwise');
  const up = encodeURIComponent('up{job="aerie"} == 1');
  const asks = async () =>
    (await system.get(`http://127.0.0.1:9091/api/v1/query?query=${up}`)).includes('"aerie:8080"');
  await patiently('Prometheus has asked Aerie', 60, asks);
  must((await system.get('http://127.0.0.1:9091/api/v1/rules')).includes('AerieNotReady'), 'Prometheus has no alert');
  await system.stop(['aerie']);
}

async function checkSplit(system, absent) {
  await system.up(absent);
  const ports = [8080, 8081, 8082, 8083, 8084];
  for (const port of ports) await system.ready(port);
  must(/its receipt, verified/.test(await system.aerie('gateway', 'demo')), 'the demo ends otherwise');
  // Its exit code is 0 if all are well.
  await system.aerie('gateway', 'status');
  const account = ['create', '--name', 'Ada', '--email', 'ada@example.org'];
  must((await system.aerie('gateway', 'users', ...account)).includes('Ada'), 'no user was made');
  await system.stop(['gateway', 'fairness', 'leaderboard', 'progression', 'accounts']);
}

async function use() {
  const { said, absent } = await bringImages();
  const engine = await Engine.start(data, { apart: true });
  try {
    for (const file of Object.values(files)) await engine.compose(['-f', file, 'config', '--quiet']);
    await within(engine, files.one, (system) => checkOne(system, absent));
    await within(engine, files.split, (system) => checkSplit(system, absent));
    console.log(`     ${said}`);
  } finally {
    await engine.stop();
  }
}

export const composeTools = [
  { name: 'Docker Compose: one process, and five; each passes the demo and ends with 0', install: ensureEngine, use },
];
