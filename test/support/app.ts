import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(__dirname, '..', '..');
const readyMs = 110_000;

export interface AppOptions {
  /** SQLite in a folder of its own unless told. */
  readonly databaseUrl?: string;
  /** Further variables; the caller's own environment and .env do not reach the app. */
  readonly env?: Readonly<Record<string, string>>;
  /** Another version than the one that is built here. */
  readonly dist?: string;
  /** A program with its arguments that runs what follows them in its own place, such as `unshare --mount`. */
  readonly under?: readonly string[];
}

/** The real application, built, as a process of its own. */
export interface AppProcess extends AsyncDisposable {
  readonly url: string;
  /** `grpc://host:port` */
  readonly grpcUrl: string;
  /** The port of chat over TCP; undefined where it does not run. */
  readonly chatPort: number | undefined;
  readonly pid: number;
  /** Sends a signal and resolves with the exit code; null when the signal ended it. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
  /** SIGTERM; resolves with the exit code once it is gone. */
  stop(): Promise<number | null>;
  /** All that it has printed so far. */
  stdout(): string;
  stderr(): string;
}

let built = false;

/** Compiles src once for this test process; a fresh build costs nothing. */
export function ensureBuilt(): void {
  if (built) return;
  const { status, stderr } = spawnSync(process.execPath, ['.ci/build.mjs'], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`The build failed:\n${stderr}`);
  built = true;
}

/** Starts `node dist/main.js` on free loopback ports; resolves when it is ready, rejects with what it printed. */
export async function startApp(options: AppOptions = {}): Promise<AppProcess> {
  ensureBuilt();
  const folder = mkdtempSync(join(tmpdir(), 'aerie-app-'));
  const environment = {
    PATH: process.env.PATH ?? '',
    HTTP_PORT: '0',
    GRPC_PORT: '0',
    CHAT_PORT: '0',
    LOG_LEVEL: 'info',
    SHUTDOWN_DRAIN_MS: '50',
    DATABASE_URL: options.databaseUrl ?? `sqlite:${join(folder, 'aerie.db')}`,
    ...options.env,
  };
  // A folder of its own: .env is read from where a process starts.
  const args = [join(options.dist ?? join(root, 'dist'), 'main.js')];
  const app = new Running(folder, launch(args, folder, environment, options.under));
  await app.ready();
  return app;
}

/** Runs `node dist/main.js migrate`, as a release does before its processes are replaced. Rejects with what it printed. */
export async function migrate({ databaseUrl = '', env = {}, dist = join(root, 'dist') }: AppOptions): Promise<string> {
  ensureBuilt();
  const environment = { PATH: process.env.PATH ?? '', DATABASE_URL: databaseUrl, ...env };
  const { stdout } = await promisify(execFile)(process.execPath, [join(dist, 'main.js'), 'migrate'], {
    cwd: tmpdir(),
    env: environment,
  });
  return stdout;
}

/** A process that has ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** As root, a program that runs what follows it as a user without rights. */
export const withoutRights =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];

/** Runs the built application on free ports, with these variables and no others, until it ends by itself: a minute at most. */
export function runToEnd(
  args: readonly string[],
  {
    cwd,
    env,
    dist = join(root, 'dist'),
    under = [],
  }: { cwd: string; env: Readonly<Record<string, string>>; dist?: string; under?: readonly string[] },
): Promise<Ended> {
  const base = { PATH: process.env.PATH ?? '', HTTP_PORT: '0', GRPC_PORT: '0', CHAT_PORT: '0' };
  const [program = '', ...words] = [...under, process.execPath, join(dist, 'main.js'), ...args];
  const child = spawn(program, words, {
    cwd,
    env: { ...base, ...env },
    timeout: 60_000,
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

/** pdeathsig: a test run that is itself killed with SIGKILL leaves no process behind. */
function launch(
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
  under: readonly string[] = [],
): ChildProcess {
  const [program = '', ...words] = [...under, 'setpriv', '--pdeathsig=KILL', process.execPath, ...args];
  return spawn(program, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
}

class Running implements AppProcess {
  url = '';
  grpcUrl = '';
  chatPort: number | undefined;
  private out = '';
  private err = '';
  private readonly exit: Promise<number | null>;

  constructor(
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    this.exit = new Promise((resolve) => child.once('close', (code) => resolve(code)));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async ready(): Promise<void> {
    const began = Date.now();
    const found = (): RegExpExecArray | null => /^\{.*"message":"app_ready".*\}$/m.exec(this.out);
    while (!found()) {
      if (this.child.exitCode !== null) throw new Error(`Exit ${this.child.exitCode}:\n${this.out}${this.err}`);
      if (Date.now() - began > readyMs) {
        await this.kill('SIGKILL');
        throw new Error(`Not ready after ${readyMs} ms:\n${this.out}${this.err}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const ports = JSON.parse(found()?.[0] ?? '') as { port: number; grpc_port: number; chat_port?: number };
    this.url = `http://127.0.0.1:${ports.port}`;
    this.grpcUrl = `grpc://127.0.0.1:${ports.grpc_port}`;
    this.chatPort = ports.chat_port;
  }

  kill(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return this.exit;
  }

  stop(): Promise<number | null> {
    return this.kill('SIGTERM');
  }

  stdout(): string {
    return this.out;
  }

  stderr(): string {
    return this.err;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
