import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from '../support/app';
import { eventually } from '../support/eventually';
import { familyOf, freePorts, signalAll } from '../support/processes';

// npm run start:split: whatever ends it, nothing is left behind; what its processes say is seen.

const program = join(__dirname, '..', 'support', 'start-split.mjs');
const readyMs = 110_000;

let folder: string;
let temporary: string;
let split: SplitProcess;

beforeAll(() => ensureBuilt());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aerie-start-split-'));
  temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  // PostgreSQL runs as another user.
  for (const each of [folder, temporary]) chmodSync(each, 0o755);
  // As a crash would be told, from a process that lives on.
  writeFileSync(
    join(folder, 'says.cjs'),
    `if (process.argv[1]?.endsWith('main.js')) process.stderr.write('Error: planted\\n    at somewhere (there.js:1:2)\\n');`,
  );
  split = new SplitProcess(await freePorts(12));
});
afterEach(async () => {
  await split[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

class SplitProcess implements AsyncDisposable {
  said = '';
  readonly ended: Promise<number | string | null>;
  private readonly child: ChildProcess;
  private readonly seen = new Set<number>();

  constructor(port: number) {
    this.child = spawn('setpriv', ['--pdeathsig=KILL', process.execPath, program], {
      cwd: folder,
      env: {
        PATH: process.env.PATH ?? '',
        TMPDIR: temporary,
        NODE_OPTIONS: `--require ${join(folder, 'says.cjs')}`,
        HTTP_PORT: String(port),
        GRPC_PORT: String(port + 6),
        SHUTDOWN_DRAIN_MS: '50',
      },
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.said += text;
      });
    this.ended = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve(code ?? signal)));
  }

  get pid(): number {
    return this.child.pid ?? Number.NaN;
  }

  /** The processes of the system that run now. */
  parts(): number[] {
    for (const pid of familyOf(this.pid).slice(1)) this.seen.add(pid);
    return [...this.seen].filter((pid) => isMain(pid));
  }

  /** Whoever of all that it has started is still there. */
  left(): number[] {
    return [...this.seen].filter((pid) => existsSync(`/proc/${pid}`));
  }

  async says(text: RegExp): Promise<void> {
    await eventually(async () => expect(this.said).toMatch(text), readyMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    signalAll([...this.parts(), ...this.left(), this.pid], 'SIGKILL');
    await this.ended;
  }
}

function isMain(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('dist/main.js');
}

test('a process that is killed is named and started again; closing the terminal stops all, and leaves nothing', async () => {
  await split.says(/Aerie is ready, as 6 processes/);
  expect(split.said).toMatch(/^gateway +\| {5}at somewhere \(there\.js:1:2\)$/m);
  // The banner of each process would say that it is alone.
  expect(split.said).not.toMatch(/\| {3}\S/);
  const [victim = Number.NaN] = split.parts();
  expect(split.parts()).toHaveLength(6);
  process.kill(victim, 'SIGKILL');
  await split.says(new RegExp(`\\| process ${victim} was ended by SIGKILL; it is started again$`, 'm'));
  await eventually(async () => expect(split.parts()).toHaveLength(6));
  process.kill(split.pid, 'SIGHUP');
  expect(await split.ended).toBe(0);
  // Backends of the database are buried by the system, in its own time.
  await eventually(async () => expect(split.left()).toEqual([]));
  // The compiler of the tests leaves one of its own.
  expect(readdirSync(temporary).filter((name) => name.startsWith('aerie-'))).toEqual([]);
});

test('its processes do not outlive it when it is killed', async () => {
  await split.says(/Aerie is ready, as 6 processes/);
  expect(split.parts()).toHaveLength(6);
  process.kill(split.pid, 'SIGKILL');
  await eventually(async () => expect(split.left()).toEqual([]));
});
