import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from './processes';
import { pathOf } from './programs';
import { type DatabaseServer, folderFor, OwnServer } from './servers';

/** Which part of a session a client has for itself. */
export type PoolMode = 'transaction' | 'session';

/** A PgBouncer in front of this PostgreSQL. `size`: how many connections it makes; its clients may be many more. */
export async function startPgbouncer(postgresUrl: string, mode: PoolMode, size: number): Promise<DatabaseServer> {
  const folder = await folderFor('postgres', 'pgbouncer');
  const port = await freePort();
  const target = new URL(postgresUrl);
  const users = join(folder, 'users.txt');
  await writeFile(users, '"postgres" ""\n', { mode: 0o644 });
  const settings = [
    '[databases]',
    `* = host=127.0.0.1 port=${target.port}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = trust',
    `auth_file = ${users}`,
    `pool_mode = ${mode}`,
    `default_pool_size = ${size}`,
    'max_client_conn = 500',
  ];
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(file, `${settings.join('\n')}\n`, { mode: 0o644 });
  const url = `postgres://postgres@127.0.0.1:${port}${target.pathname}`;
  const answers = async (): Promise<void> => {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    await client.connect();
    await client.end();
  };
  const recipe = { user: 'postgres', program: pathOf('pgbouncer'), args: [file], url, answers };
  return new OwnServer(recipe, folder, port).start();
}
