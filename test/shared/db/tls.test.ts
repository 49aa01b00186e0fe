import { chown, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { parseRedisUrl } from '../../../src/shared/config/redis-url';
import { Database } from '../../../src/shared/db/database';
import { serverOptions } from '../../../src/shared/redis/redis.options';
import { eventually } from '../../support/eventually';
import { type DatabaseServer, folderFor, startMariadb, startPostgres } from '../../support/servers';
import { certificateFile } from '../../support/tls-proxy';

// Whatever asks for TLS, in the words of any driver of that database, gets TLS or no connection.

const asking = [
  'sslmode=require',
  'sslmode=REQUIRE',
  'sslmode=prefer',
  'sslmode=allow',
  'sslmode=no-verify',
  'sslmode=verify-full',
  'ssl=true',
  'ssl',
  'ssl=1',
  'ssl-mode=REQUIRED',
  'ssl-mode=PREFERRED',
  'ssl_mode=VERIFY_IDENTITY',
  'sslMode=VERIFY_CA',
  'SslMode=VerifyFull',
  'useSSL=true',
  'requireSSL=true',
  'requiressl=1',
  'tls=true',
  'tls=skip-verify',
  'tls=preferred',
  'ssl={"rejectUnauthorized":false}',
  'ssl=%7B%22rejectUnauthorized%22%3Atrue%7D',
  'sslaccept=strict',
  'sslaccept=accept_invalid_certs',
  'ssl_verify_cert=true',
  'trustServerCertificate=true',
  `sslrootcert=${certificateFile}`,
  `ssl-ca=${certificateFile}`,
  `sslcert=${certificateFile}&sslkey=${certificateFile}`,
  'sslrootcert=system',
];

/** Takes anybody's word, says that it has no TLS, and keeps what it is told. */
class Eavesdropper implements AsyncDisposable {
  readonly heard: Buffer[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((socket) => {
    this.sockets.add(socket);
    socket.on('error', () => socket.destroy());
    if (this.greeting) socket.write(this.greeting);
    socket.on('data', (chunk: Buffer) => {
      this.heard.push(chunk);
      const answer = this.answer(chunk);
      if (answer) socket.write(answer);
      else socket.destroy();
    });
  });

  constructor(
    private readonly greeting: Buffer | undefined,
    private readonly answer: (chunk: Buffer) => Buffer | undefined,
  ) {}

  async listen(): Promise<number> {
    await new Promise<void>((listening) => this.server.listen(0, '127.0.0.1', listening));
    return (this.server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((closed) => this.server.close(closed));
  }
}

const sslRequest = Buffer.from('0000000804d2162f', 'hex');
/** A PostgreSQL that wants the password in plain words. */
const postgresStub = () =>
  new Eavesdropper(undefined, (chunk) =>
    chunk.equals(sslRequest) ? Buffer.from('N') : Buffer.from('520000000800000003', 'hex'),
  );

/** A MySQL whose capabilities are these; it asks for the password by its first packet. */
function mysqlStub(capabilities: number): Eavesdropper {
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(capabilities);
  const body = Buffer.concat([
    Buffer.from([10]),
    Buffer.from('8.0.36\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from('12345678\0'),
    flags.subarray(0, 2),
    Buffer.from([45, 2, 0]),
    flags.subarray(2),
    Buffer.from([21, ...Array(10).fill(0)]),
    Buffer.from('123456789012\0mysql_native_password\0'),
  ]);
  return new Eavesdropper(Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]), () => undefined);
}

// Whoever answers does so at once here: on a busy machine that is not to be cut short.
const patienceMs = 20_000;

function database(url: string, limitMs = patienceMs): Database {
  const limits = { connectTimeoutMs: limitMs, queryTimeoutMs: limitMs };
  return new Database({ url, poolMin: 0, poolMax: 1, ...limits, tables: [], migrations: [] });
}

/** Whether it could connect. */
async function connects(url: string, limitMs = patienceMs): Promise<boolean> {
  let made: Database | undefined;
  try {
    made = database(url, limitMs);
    await made.connect();
    await made.ping(limitMs);
    return true;
  } catch {
    return false;
  } finally {
    await made?.close();
  }
}

test('PostgreSQL: nothing but the question for TLS is said to a server that has none', async () => {
  await using stub = postgresStub();
  const port = await stub.listen();
  for (const words of asking) {
    expect([words, await connects(`postgres://ada:hunter2@127.0.0.1:${port}/x?${words}`)]).toEqual([words, false]);
    expect([words, Buffer.concat(stub.heard).toString('hex')]).toEqual([words, sslRequest.toString('hex')]);
    stub.heard.length = 0;
  }
  // The stub would have heard it, and asks for it again and again.
  await eventually(async () => {
    await connects(`postgres://ada:hunter2@127.0.0.1:${port}/x?sslmode=disable`, 1500);
    expect(Buffer.concat(stub.heard).toString('latin1')).toContain('hunter2');
  });
});

test('PostgreSQL: sslnegotiation=direct begins with TLS', async () => {
  await using stub = postgresStub();
  const port = await stub.listen();
  await connects(`postgres://ada:hunter2@127.0.0.1:${port}/x?sslmode=require&sslnegotiation=direct`);
  expect(stub.heard[0]?.[0]).toBe(0x16);
});

const plainMysql = 0x000fa68d | (1 << 19);
test.each([
  ['that has none', plainMysql & ~0x0800, 0],
  ['that promises it and does not keep it', plainMysql | 0x0800, 36],
])('MySQL: no user and no password is said to a server %s', async (_name, capabilities, length) => {
  await using stub = mysqlStub(capabilities);
  const port = await stub.listen();
  for (const words of asking) {
    expect([words, await connects(`mysql://ada:hunter2@localhost:${port}/x?${words}`)]).toEqual([words, false]);
    const heard = Buffer.concat(stub.heard);
    expect([words, heard.toString('latin1').includes('ada')]).toEqual([words, false]);
    // The request for TLS, and then its first record.
    if (length === 0) expect([words, heard.length]).toEqual([words, 0]);
    else expect([words, heard[length]]).toEqual([words, 0x16]);
    stub.heard.length = 0;
  }
  await connects(`mysql://ada:hunter2@127.0.0.1:${port}/x`);
  expect(Buffer.concat(stub.heard).toString('latin1')).toContain('ada');
});

test.each([
  ['rediss://ada:hunter2@127.0.0.1:PORT'],
  ['redis://ada:hunter2@127.0.0.1:PORT?ssl=true'],
  ['redis://ada:hunter2@127.0.0.1:PORT/1?tls=true'],
  ['redis://ada:hunter2@127.0.0.1:PORT?ssl_cert_reqs=none'],
  [`redis://ada:hunter2@127.0.0.1:PORT?ssl_ca_certs=${certificateFile}`],
  ['rediss://ada:hunter2@127.0.0.1:PORT?rejectUnauthorized=false'],
  ['redis+sentinel://ada:hunter2@127.0.0.1:PORT/main?tls=true'],
])('Redis: %s begins with TLS', async (url) => {
  await using stub = new Eavesdropper(undefined, () => Buffer.from('+OK\r\n'));
  const port = await stub.listen();
  const options = serverOptions(parseRedisUrl(url.replace('PORT', String(port))));
  const client = new Redis({
    ...options,
    lazyConnect: true,
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
  });
  client.on('error', () => undefined);
  await client.connect().catch(() => undefined);
  client.disconnect();
  expect(stub.heard[0]?.[0]).toBe(0x16);
  expect(Buffer.concat(stub.heard).toString('latin1')).not.toMatch(/ada|hunter2|AUTH/);
});

/** The certificate where this user may read it, and nobody else. */
async function pemFor(user: string): Promise<string> {
  const folder = await folderFor(user, 'tls');
  const file = join(folder, 'tls.pem');
  await writeFile(file, await readFile(certificateFile), { mode: 0o600 });
  const [, , uid, gid] =
    (await readFile('/etc/passwd', 'utf8'))
      .split('\n')
      .find((line) => line.startsWith(`${user}:`))
      ?.split(':') ?? [];
  if (process.getuid?.() === 0) await chown(file, Number(uid), Number(gid));
  return file;
}

const client = `sslcert=${certificateFile}&sslkey=${certificateFile}`;
const servers = [
  {
    name: 'postgres',
    client,
    start: async () => {
      const pem = await pemFor('postgres');
      return startPostgres(['ssl=on', `ssl_cert_file=${pem}`, `ssl_key_file=${pem}`, `ssl_ca_file=${pem}`]);
    },
  },
  {
    name: 'mysql',
    client,
    start: async () => {
      const pem = await pemFor('mysql');
      return startMariadb([`--ssl-cert=${pem}`, `--ssl-key=${pem}`, `--ssl-ca=${pem}`]);
    },
  },
];

describe.each(servers)(
  'a $name with TLS, whose certificate is for localhost and 127.0.0.1 and signed by itself',
  ({ start }) => {
    let server: DatabaseServer;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server[Symbol.asyncDispose]());

    test.each([
      ['127.0.0.1', 'sslmode=disable', true],
      ['127.0.0.1', 'sslmode=require', true],
      ['127.0.0.1', 'ssl=true', false],
      ['localhost', 'sslmode=verify-ca', false],
      ['localhost', 'sslmode=verify-full', false],
      ['localhost', 'sslrootcert=system', false],
      ['127.0.0.1', `sslmode=verify-ca&sslrootcert=${certificateFile}`, true],
      ['127.0.0.1', `sslmode=require&sslrootcert=${certificateFile}`, true],
      ['localhost', `sslmode=verify-full&sslrootcert=${certificateFile}`, true],
      ['localhost', `ssl-mode=VERIFY_IDENTITY&ssl-ca=${certificateFile}`, true],
      ['0.0.0.0', `sslmode=verify-ca&sslrootcert=${certificateFile}`, true],
      ['0.0.0.0', `sslmode=verify-full&sslrootcert=${certificateFile}`, false],
      ['0.0.0.0', `ssl=true&ssl_ca=${certificateFile}`, false],
      ['localhost', `sslrootcert=${certificateFile}&${client}`, true],
    ])('at %s with %s', async (host, words, connected) => {
      const url = new URL(server.url);
      url.host = `${host}:${server.port}`;
      expect(await connects(`${url.href}?${words}`)).toBe(connected);
    });

    test('is used over TLS', async () => {
      const made = database(`${server.url}?sslmode=require&${client}`);
      await made.connect();
      const rows = await made.read((sql) =>
        made.kind === 'postgres'
          ? sql.rows('SELECT ssl, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
          : sql.rows("SHOW STATUS LIKE 'Ssl_cipher'"),
      );
      await made.close();
      // The client's certificate came along: PostgreSQL tells whose it is.
      expect(rows).toEqual([
        made.kind === 'postgres'
          ? { ssl: true, client_dn: expect.stringContaining('Aerie tests') }
          : { Variable_name: 'Ssl_cipher', Value: expect.stringMatching(/./) },
      ]);
    });
  },
);
