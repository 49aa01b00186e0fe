import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';

// Below what the kernel gives to outgoing connections (ip_local_port_range), which would take it before it is listened on,
// or while its server is being started again.
const [firstPort, lastPort] = [10_000, 32_000];
// Each of the workers that run at the same time has its own share of them, and no port is given twice to one test file.
const shares = 8;
const share = Number(process.env.JEST_WORKER_ID ?? 0) % shares;
const portsOfShare = Math.floor((lastPort - firstPort) / shares);
const given = new Set<number>();

/** A loopback port that was free a moment ago, and that no outgoing connection takes. */
export function freePort(): Promise<number> {
  return freePorts(1);
}

/** The first of so many that follow each other. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const from = firstPort + share * portsOfShare;
    const port = randomInt(from, from + portsOfShare - count);
    const wanted = Array.from({ length: count }, (_, i) => port + i);
    if (wanted.some((one) => given.has(one))) continue;
    for (const one of wanted) given.add(one);
    const free = await Promise.all(wanted.map(isFree));
    if (free.every(Boolean)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listens = await new Promise<boolean>((settle) => {
    server.once('error', () => settle(false)).listen(port, '127.0.0.1', () => settle(true));
  });
  if (listens) await new Promise((closed) => server.close(closed));
  return listens;
}

function parents(): Map<number, number> {
  const found = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      found.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch (error) {
      // A process may end between readdir and read.
      if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return found;
}

/** A process and all that it started, itself first: PostgreSQL serves each connection from a process of its own. */
export function familyOf(pid: number): number[] {
  const family = [pid];
  const all = [...parents()];
  for (const member of family) family.push(...all.filter(([, parent]) => parent === member).map(([child]) => child));
  return family;
}

export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** SIGSTOP to a process and all that it started. */
export function freezeFamily(pid: number): void {
  // A child that was born while the others were told goes on, and a server would answer through it.
  for (let frozen = 0; frozen < familyOf(pid).length; ) {
    const family = familyOf(pid);
    freezeAll(family);
    frozen = family.length;
  }
}

/** Returns once every thread stands still: the signal alone lets them run on for a moment. */
function freezeAll(pids: readonly number[]): void {
  signalAll(pids, 'SIGSTOP');
  const until = Date.now() + 5000;
  while (!pids.every(isStopped)) if (Date.now() > until) throw new Error('A process does not stop');
}

function isStopped(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    // The state is the first letter after the name, which is in brackets.
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    return stat[stat.lastIndexOf(')') + 2] === 'T';
  });
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) if (child.pid) signalAll(familyOf(child.pid), 'SIGKILL');
});

/** Starts a server that dies with this process. As root it runs as `user`: PostgreSQL refuses root. */
export function startServer(user: string, program: string, args: readonly string[]): ChildProcess {
  const asUser = process.getuid?.() === 0 ? [`--reuid=${user}`, `--regid=${user}`, '--init-groups'] : [];
  // pdeathsig: a test run that is itself killed with SIGKILL leaves no server behind.
  // In a group of its own: Ctrl-C is for who started the server, and says when that ends.
  const child = spawn('setpriv', [...asUser, '--pdeathsig=KILL', program, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Runs a program to its end; rejects with what it printed when it fails. */
export async function runProgram(user: string, program: string, args: readonly string[]): Promise<void> {
  const child = startServer(user, program, args);
  const printed: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => printed.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => printed.push(chunk));
  const code = await new Promise((exit) => child.once('close', exit));
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${Buffer.concat(printed).toString()}`);
}
