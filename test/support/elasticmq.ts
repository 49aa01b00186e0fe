import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, runProgram } from './processes';
import { ensurePrograms, pathOf } from './programs';
import { type DatabaseServer, folderFor, OwnServer } from './servers';

// ElasticMQ, a server that speaks SQS. Its jars take a minute to fetch, so they are fetched once for all runs.

const version = '1.7.1';

/** An SQS of the tests' own. It keeps nothing on disk: after `restart` it is empty. `url`: its endpoint. */
export type SqsServer = DatabaseServer;

/** Variables of the SDK: ElasticMQ takes any credentials; and no word about the age of Node. */
export const sqsEnvironment = {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};

function jars(): string {
  return process.env.TEST_ELASTICMQ_DIR ?? join(homedir(), '.cache', 'aerie-tests', `elasticmq-${version}`);
}

/** Whether an SQS can be started, or runs, without fetching anything. */
export function hasElasticMq(): boolean {
  return process.env.TEST_SQS_URL !== undefined || existsSync(jars());
}

/** Makes sure of that. */
export async function ensureElasticMq(): Promise<void> {
  if (process.env.TEST_SQS_URL !== undefined) return;
  ensurePrograms(['java']);
  if (!hasElasticMq()) await fetchJars();
}

/** Whole or not at all, also where several runs do it at once. */
async function fetchJars(): Promise<void> {
  ensurePrograms(['mvn']);
  const work = await mkdtemp(join(tmpdir(), 'aerie-elasticmq-'));
  const unfinished = `${jars()}.${process.pid}`;
  await writeFile(
    join(work, 'pom.xml'),
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
      <groupId>aerie</groupId><artifactId>elasticmq</artifactId><version>1</version>
      <dependencies><dependency>
        <groupId>org.elasticmq</groupId><artifactId>elasticmq-server_2.13</artifactId><version>${version}</version>
      </dependency></dependencies></project>`,
  );
  try {
    await mkdir(join(jars(), '..'), { recursive: true });
    const where = ['-f', join(work, 'pom.xml'), `-Dmaven.repo.local=${join(work, 'repository')}`];
    const what = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${unfinished}`];
    await runProgram('root', pathOf('mvn'), ['-q', '-B', ...where, ...what]);
    if (!existsSync(jars())) await rename(unfinished, jars());
  } finally {
    for (const folder of [work, unfinished]) await rm(folder, { recursive: true, force: true });
  }
}

/** A fresh ElasticMQ, ready in some 4 s, or the server of TEST_SQS_URL behind a door that can be shut. */
export async function startElasticMq(): Promise<SqsServer> {
  const given = process.env.TEST_SQS_URL;
  if (given !== undefined) return new Door(new URL(given)).start();
  const folder = await folderFor('root', 'elasticmq');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const settings = {
    'rest-sqs.bind-hostname': '127.0.0.1',
    'rest-sqs.bind-port': port,
    'node-address.host': '127.0.0.1',
    'node-address.port': port,
    'rest-stats.enabled': false,
  };
  const args = [
    ...['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Djava.io.tmpdir=${folder}`],
    ...Object.entries(settings).map(([name, value]) => `-D${name}=${value}`),
    ...['-cp', join(jars(), '*'), 'org.elasticmq.server.Main'],
  ];
  const answers = () => fetch(`${url}/?Action=ListQueues`, { signal: AbortSignal.timeout(2000) });
  return new OwnServer({ user: 'root', program: pathOf('java'), args, url, answers }, folder, port).start();
}

/** A server that belongs to somebody else: for whoever comes through this door it can be gone, and come back. */
class Door implements SqsServer {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  /** What clients have sent while it is frozen. */
  private held: (() => void)[] | undefined;
  port = 0;

  constructor(private readonly target: URL) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<this> {
    const server = createServer((client) => this.join(client)).listen(this.port, '127.0.0.1');
    await new Promise((listening) => server.once('listening', listening));
    this.port = (server.address() as { port: number }).port;
    this.server = server;
    return this;
  }

  async kill(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = undefined;
    const closed = new Promise((done) => server.close(done));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  freeze(): void {
    this.held = [];
  }

  resume(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const pass of held) pass();
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  private join(client: Socket): void {
    const upstream = connect(Number(this.target.port || 80), this.target.hostname);
    for (const socket of [client, upstream]) {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk) => {
      const pass = (): void => void upstream.write(chunk);
      if (this.held) this.held.push(pass);
      else pass();
    });
    upstream.on('data', (chunk) => client.write(chunk));
  }
}
