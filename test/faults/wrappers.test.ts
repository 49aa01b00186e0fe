import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { ensureBuilt } from '../support/app';
import { eventually } from '../support/eventually';
import { familyOf, signalAll } from '../support/processes';

// Whoever starts the server starts npm, which starts a shell, which starts it: what one is told the other must hear.

const project = join(__dirname, '../..');
const parts = ['.ci', 'dist', 'proto', 'src', 'test/architecture', 'package.json', 'tsconfig.json', 'nest-cli.json'];
const startMs = 110_000;

let root: string;
let folder: string;
beforeAll(() => {
  ensureBuilt();
  folder = mkdtempSync(join(tmpdir(), 'aerie-wrappers-'));
  root = join(folder, 'aerie');
  // Beside the project: `npm run dev` empties dist, which other tests run meanwhile.
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  // With their times to the nanosecond: what is built is built here, too.
  execFileSync('cp', ['-a', '--parents', ...parts, root], { cwd: project });
  // One by one: the lock of a build is in there as well.
  for (const name of readdirSync(join(project, 'node_modules')).filter((each) => each !== '.cache'))
    symlinkSync(join(project, 'node_modules', name), join(root, 'node_modules', name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

class Wrapped implements AsyncDisposable {
  said = '';
  private readonly child: ChildProcess;
  private readonly exit: Promise<number | string | null>;

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const variables = {
      HTTP_PORT: '0',
      GRPC_PORT: '0',
      CHAT_PORT: '0',
      // Time enough to see it drain where all of this machine stands still for a second.
      SHUTDOWN_DRAIN_MS: '4000',
      DATABASE_URL: `sqlite:${folder}/db`,
    };
    this.child = spawn('setpriv', ['--pdeathsig=KILL', command, ...args], {
      cwd: root,
      // A group of its own, as a terminal or a supervisor gives it.
      detached: true,
      env: { PATH: process.env.PATH ?? '', HOME: folder, NO_UPDATE_NOTIFIER: '1', ...variables, ...env },
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.said += text;
      });
    this.exit = new Promise((resolve) => this.child.once('close', (code, signal) => resolve(code ?? signal)));
  }

  get pid(): number {
    return this.child.pid ?? Number.NaN;
  }

  ended(): Promise<number | string | null> {
    return this.exit;
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Where the server listens, once it does. */
  async url(): Promise<string> {
    const found = (): RegExpExecArray | null =>
      /^.*app_ready.*"port":(\d+)|"port":(\d+).*app_ready.*$/m.exec(this.said);
    await eventually(async () => {
      if (this.child.exitCode !== null) throw new Error(`Exit ${this.child.exitCode}`);
      if (!found()) throw new Error(`Not ready: ${this.said}`);
    }, startMs);
    return `http://127.0.0.1:${found()?.[1] ?? found()?.[2]}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // All of its group: what has lost its parent, too.
    signalAll([...familyOf(this.pid), -this.pid], 'SIGKILL');
    await this.exit;
  }
}

async function statusOf(url: string): Promise<number> {
  const answer = await request(url);
  await answer.body.dump();
  return answer.statusCode;
}

/** It is not ready while it still answers, ends with 0, and nobody listens any more. */
async function drains(app: Wrapped, tell: () => void): Promise<void> {
  const url = await app.url();
  await eventually(async () => expect(await statusOf(`${url}/health/ready`)).toBe(200));
  tell();
  await eventually(async () => expect(await statusOf(`${url}/health/ready`)).toBe(503));
  expect(await app.ended()).toBe(0);
  await expect(request(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
}

test.each([
  ['SIGTERM to npm start', ['start'], 'SIGTERM'],
  ['SIGINT to npm start', ['start'], 'SIGINT'],
  ['SIGTERM to npm run start --silent', ['run', 'start', '--silent'], 'SIGTERM'],
  ['SIGTERM to npm run dev', ['run', 'dev'], 'SIGTERM'],
] as const)('%s: the server drains, and npm ends with 0', async (_name, args, signal) => {
  await using app = new Wrapped('npm', args);
  await drains(app, () => process.kill(app.pid, signal));
});

test('a signal to all of the group is one signal', async () => {
  await using app = new Wrapped('npm', ['start']);
  await drains(app, () => process.kill(-app.pid, 'SIGTERM'));
});

test.each(['npm start', 'npm run dev'])('Ctrl-C in a terminal under %s drains', async (command) => {
  await using app = new Wrapped('script', ['-qec', `exec ${command}`, '/dev/null']);
  await drains(app, () => app.type('\x03'));
});

test('npm start builds what changed first, and drains all the same', async () => {
  rmSync(join(root, 'dist'), { recursive: true });
  await using app = new Wrapped('npm', ['start']);
  await drains(app, () => process.kill(app.pid, 'SIGTERM'));
  expect(app.said).toMatch(/^Built in/m);
});

test.each([
  ['start', { HTTP_PORT: 'eighty' }, 78],
  ['migrate', { HTTP_PORT: 'eighty' }, 78],
  ['migrate', {}, 0],
  ['demo -- --url http://127.0.0.1:9', {}, 1],
])('the exit code of npm run %s with %j is its own', async (line, env, code) => {
  await using app = new Wrapped('npm', ['run', ...line.split(' ')], env);
  expect([await app.ended(), app.said]).toEqual([code, expect.anything()]);
});

test('a signal before it is ready is not lost: it starts, drains and ends with 0', async () => {
  // A Redis that never answers: the start waits for it for a while.
  const silent = createServer().listen(0, '127.0.0.1');
  const asked = once(silent, 'connection');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  await using app = new Wrapped(process.execPath, [join(root, 'dist/main.js')], {
    REDIS_URL: `redis://127.0.0.1:${port}`,
  });
  await asked;
  expect(app.said).not.toContain('app_ready');
  process.kill(app.pid, 'SIGTERM');
  expect([await app.ended(), app.said]).toEqual([0, expect.stringContaining('app_ready')]);
  silent.close();
});
