import { type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import { familyOf, freePort, freezeFamily, runProgram, signalAll, startServer } from './processes';
import { pathOf } from './programs';

/** A server of the tests' own, on a loopback port, in a folder that is removed with it. */
export interface DatabaseServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** SIGKILL, as a power cut would end it. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing is answered. */
  freeze(): void;
  resume(): void;
  /** Starts again on the same port with the same data. */
  restart(): Promise<void>;
  /** Starts it again after `kill`, on the same port with the same data. */
  start(): Promise<unknown>;
}

/** How a server is started; `answers` rejects until it is up. */
export interface Recipe {
  readonly user: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly url: string;
  readonly answers?: () => Promise<unknown>;
}

export class OwnServer implements DatabaseServer {
  private child: ChildProcess | undefined;
  private printed = '';

  constructor(
    private readonly recipe: Recipe,
    private readonly folder: string,
    readonly port: number,
  ) {}

  get url(): string {
    return this.recipe.url;
  }

  async start(): Promise<this> {
    const child = startServer(this.recipe.user, this.recipe.program, this.recipe.args);
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.printed = (this.printed + chunk.toString()).slice(-4000);
      });
    }
    for (const limit = Date.now() + 60_000; ; await sleep(25)) {
      if (child.exitCode !== null) throw new Error(`${this.recipe.program} did not start: ${this.printed}`);
      const { answers = () => execute(this.url, 'SELECT 1') } = this.recipe;
      const failure = await answers().then(() => undefined, String);
      if (failure === undefined) return this;
      if (Date.now() > limit) throw new Error(`${this.recipe.program} does not answer: ${failure} ${this.printed}`);
    }
  }

  async kill(): Promise<void> {
    const child = this.child;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((exit) => child.once('exit', exit));
    signalAll(familyOf(child.pid), 'SIGKILL');
    await gone;
  }

  freeze(): void {
    freezeFamily(this.child?.pid ?? Number.NaN);
  }

  resume(): void {
    signalAll(familyOf(this.child?.pid ?? Number.NaN), 'SIGCONT');
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    folders.delete(this.folder);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

// Of servers that nobody disposed of; their processes are dead by then (processes.ts comes first).
const folders = new Set<string>();
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder that belongs to `user`, removed when the tests end. */
export async function folderFor(user: string, kind: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `aerie-${kind}-`));
  folders.add(folder);
  await chmod(folder, 0o700);
  if (process.getuid?.() === 0) {
    const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith(`${user}:`));
    const [, , uid, gid] = line?.split(':') ?? [];
    await chown(folder, Number(uid), Number(gid));
  }
  return folder;
}

/** A fresh PostgreSQL, durable as in production, whose default order of text is a language's and not the bytes'. */
export async function startPostgres(more: readonly string[] = []): Promise<DatabaseServer> {
  const folder = await folderFor('postgres', 'postgres');
  const data = join(folder, 'data');
  const locale = ['--locale-provider=icu', '--icu-locale=en-US', '--locale=C.UTF-8'];
  await runProgram('postgres', pathOf('initdb'), [
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '-N',
    ...locale,
  ]);
  const port = await freePort();
  const settings = [
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
    'shared_buffers=64MB',
    'max_connections=200',
    ...more,
  ];
  const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return new OwnServer({ user: 'postgres', program: pathOf('postgres'), args, url }, folder, port).start();
}

/** A fresh MariaDB, durable as in production. */
export async function startMariadb(more: readonly string[] = []): Promise<DatabaseServer> {
  const folder = await folderFor('mysql', 'mariadb');
  const data = join(folder, 'data');
  // A place of its own for temporary tables: several test runs on one machine have disturbed each other in /tmp.
  const own = ['--no-defaults', `--datadir=${data}`, `--tmpdir=${folder}`, '--innodb-log-file-size=32M'];
  await runProgram('mysql', pathOf('mariadb-install-db'), [
    ...own,
    '--skip-test-db',
    '--auth-root-authentication-method=normal',
  ]);
  const grants = join(folder, 'grants.sql');
  await writeFile(grants, "GRANT ALL ON *.* TO 'aerie'@'127.0.0.1' IDENTIFIED BY 'aerie' WITH GRANT OPTION;\n", {
    mode: 0o644,
  });
  const port = await freePort();
  const where = [
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(folder, 's')}`,
    `--pid-file=${join(folder, 'pid')}`,
  ];
  const size = ['--innodb-buffer-pool-size=64M', '--max-connections=200', '--skip-name-resolve', '--skip-log-bin'];
  const args = [...own, ...where, ...size, `--init-file=${grants}`, ...more];
  const url = `mysql://aerie:aerie@127.0.0.1:${port}/mysql`;
  return new OwnServer({ user: 'mysql', program: pathOf('mariadbd'), args, url }, folder, port).start();
}

async function execute(url: string, text: string): Promise<void> {
  if (url.startsWith('mysql') || url.startsWith('mariadb')) {
    const connection = await createConnection({ uri: url, connectTimeout: 2000 });
    await connection.query(text).finally(() => connection.end());
    return;
  }
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  await client.connect();
  await client.query(text).finally(() => client.end());
}

/** Makes an empty database of a random name in a running server and returns its URL. */
export async function createDatabase(url: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await execute(url, `CREATE DATABASE ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return own.href;
}

/** Removes a database that `createDatabase` made. */
export async function dropDatabase(serverUrl: string, url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1);
  await execute(
    serverUrl,
    serverUrl.startsWith('mysql') ? `DROP DATABASE ${name}` : `DROP DATABASE ${name} WITH (FORCE)`,
  );
}
