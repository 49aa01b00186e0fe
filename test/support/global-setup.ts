import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureElasticMq, hasElasticMq } from './elasticmq';
import { memoryFolder } from './memory-folder';
import { ensurePrograms } from './programs';
import { type DatabaseServer, startMariadb, startPostgres } from './servers';

async function start(variable: string, server: () => Promise<DatabaseServer>): Promise<DatabaseServer | undefined> {
  if (process.env[variable]) return undefined;
  const own = await server();
  process.env[variable] = own.url;
  return own;
}

/**
 * Compiles src before any test's time runs: with everything else that goes on it may take a minute. Where it fails, the suites
 * that need it say why; the others do not need it.
 */
async function build(): Promise<void> {
  const options = { cwd: join(__dirname, '..', '..'), stdio: 'ignore' } as const;
  await new Promise((done) => spawn(process.execPath, ['.ci/build.mjs'], options).once('close', done));
}

/**
 * Starts the one PostgreSQL and the one MariaDB that all suites of a run share. Redis and etcd start in no time: suites
 * have their own, which they may kill. All of them write to memory where there is room.
 */
export default async function globalSetup(): Promise<void> {
  ensurePrograms([
    ...(process.env.TEST_POSTGRES_URL ? [] : (['initdb', 'postgres'] as const)),
    ...(process.env.TEST_MYSQL_URL ? [] : (['mariadb-install-db', 'mariadbd'] as const)),
    'redis-server',
    'etcd',
    'pgbouncer',
    'chromium',
    'prometheus',
    'promtool',
  ]);
  const isAsked = process.env.RUN_FOREIGN === '1' || process.env.TEST_BROKERS?.includes('sqs');
  if (isAsked || hasElasticMq()) await ensureElasticMq();
  const folder = memoryFolder();
  // tmpdir() answers it from now on, here and in every worker.
  if (folder) process.env.TMPDIR = folder;
  const [postgres, mariadb] = [start('TEST_POSTGRES_URL', startPostgres), start('TEST_MYSQL_URL', startMariadb)];
  const [servers] = await Promise.all([Promise.all([postgres, mariadb]), build()]);
  Object.assign(globalThis, { testServers: servers, testFolder: folder });
}
