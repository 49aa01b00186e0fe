// A container engine: the machine's own where one answers, else Docker out of Debian's packages, which are unpacked and not
// installed, with a socket, folders and, where asked for, a network of its own.
import { execFile, execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const cache = join(homedir(), '.cache', 'aerie-tests', 'docker');
const programs = join(cache, 'programs');
const packages = [
  ...['docker.io', 'containerd', 'runc', 'iptables', 'mmdebstrap'],
  ...[
    'libip4tc2',
    'libip6tc2',
    'libxtables12',
    'libnetfilter-conntrack3',
    'libnfnetlink0',
    'libnftnl11',
    'libnftables1',
  ],
];
// Debian 12 has a compose of the first generation. This is Debian 13's, which needs nothing but libc.
const compose = {
  url: 'https://deb.debian.org/debian/pool/main/d/docker-compose/docker-compose_2.26.1-4_amd64.deb',
  sha256: '47681197cb2b1ab88206b42a1a92fc75f50d9530a6322d03494a473eed0408ea',
};
const libraries = join(programs, 'usr/lib/x86_64-linux-gnu');
const environment = {
  ...process.env,
  PATH: `${join(programs, 'usr/sbin')}:${join(programs, 'usr/bin')}:${process.env.PATH}`,
  LD_LIBRARY_PATH: libraries,
  XTABLES_LIBDIR: join(libraries, 'xtables'),
  // The other builder would fetch itself from a registry.
  DOCKER_BUILDKIT: '0',
  COMPOSE_DOCKER_CLI_BUILD: '0',
};

/** Runs a program; what it prints is in the error, too. */
export async function run(command, args, options = {}) {
  const settings = { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 900_000, ...options };
  const { stdout } = await promisify(execFile)(command, args, settings);
  return stdout;
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Whether an engine answers without our doing. */
export function hasOwnEngine() {
  try {
    execFileSync('docker', ['info'], { stdio: 'ignore', timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

/** Makes sure that an engine can be started: fetches and unpacks what is missing, whole or not at all. */
export async function ensureEngine() {
  if (hasOwnEngine() || existsSync(programs)) return;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'unpacking-'));
  try {
    await run('apt-get', ['download', ...packages], { cwd: work });
    await run('curl', ['-sSfLo', 'compose.deb', compose.url], { cwd: work });
    await run('sh', ['-c', `echo '${compose.sha256}  compose.deb' | sha256sum -c -`], { cwd: work });
    await run('sh', ['-c', 'for deb in *.deb; do dpkg -x "$deb" root; done'], { cwd: work });
    symlinkSync('xtables-legacy-multi', join(work, 'root/usr/sbin/iptables'));
    symlinkSync('xtables-legacy-multi', join(work, 'root/usr/sbin/ip6tables'));
    renameSync(join(work, 'root'), programs);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Debian's own tool that makes a root file system. */
export function mmdebstrap(args) {
  return run('perl', [join(programs, 'usr/bin/mmdebstrap'), ...args], { env: environment });
}

/** An engine that runs. Several may follow each other on one `data` folder, and find the images of those before. */
export class Engine {
  #daemon;
  #folder;

  constructor(folder) {
    this.#folder = folder;
  }

  /** `apart`: in a network of its own, where containers reach each other and nobody else. */
  static async start(data, { apart = false } = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'aerie-engine-'));
    const engine = new Engine(folder);
    if (!hasOwnEngine()) await engine.#start(data, apart);
    return engine;
  }

  async #start(data, apart) {
    const at = (name) => join(this.#folder, name);
    this.socket = `unix://${at('docker.sock')}`;
    const network = apart ? {} : { bridge: 'none', iptables: false };
    const settings = { 'data-root': data, 'exec-root': at('exec'), pidfile: at('pid'), hosts: [this.socket] };
    writeFileSync(at('daemon.json'), JSON.stringify({ ...settings, 'ip-forward': false, ...network }));
    const dockerd = `exec dockerd --config-file ${at('daemon.json')} >${at('log')} 2>&1`;
    const [command, ...args] = apart
      ? ['unshare', '--net', 'sh', '-c', `ip link set lo up && ${dockerd}`]
      : ['sh', '-c', dockerd];
    this.#daemon = spawn(command, args, { env: environment, stdio: 'ignore' });
    for (let tries = 0; tries < 120; tries += 1) {
      if (await this.docker('version').catch(() => undefined)) return;
      await sleep(250);
    }
    const log = readFileSync(at('log'), 'utf8');
    await this.stop();
    throw new Error(`The engine did not start within 30 s: ${log.slice(-2000)}`);
  }

  docker(...args) {
    return run('docker', args, { env: this.#environment });
  }

  compose(args, env = {}) {
    const [command, ...first] = this.socket ? ['docker-compose'] : ['docker', 'compose'];
    return run(command, [...first, ...args], { env: { ...this.#environment, ...env } });
  }

  /** Runs a program where the ports are that containers publish. */
  beside(command, args, options) {
    if (!this.socket) return run(command, args, options);
    return run('nsenter', ['--net', '--target', String(this.#daemon.pid), command, ...args], options);
  }

  get #environment() {
    return this.socket ? { ...environment, DOCKER_HOST: this.socket } : process.env;
  }

  async stop() {
    if (this.#daemon && this.#daemon.exitCode === null) {
      const gone = new Promise((resolve) => this.#daemon.once('close', resolve));
      this.#daemon.kill();
      await gone;
      // The network of containers that have the machine's, which the engine leaves mounted.
      const left = join(this.#folder, 'exec/netns/default');
      if (existsSync(left)) await run('umount', [left]);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
