import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { request } from 'undici';
import { loaderOptions } from '../../src/shared/contract/proto';
import { eventually } from '../support/eventually';
import { BetterSqlite3 } from '../support/sqlite';
import { inspectRoots } from './planted';

// A feature is one folder, its proto, and one line in features/index.ts: planted in a copy of the project, `hello` of
// test/samples has routes on both wires, settings, an entry in the document, a rule of MODULES and a table.

const project = join(__dirname, '../..');
const run = promisify(execFile);
const copied = ['src', 'proto', 'docker', '.ci', 'test/architecture', 'package.json', 'tsconfig.json', 'nest-cli.json'];

let root: string;
let stop: (() => Promise<unknown>) | undefined;
let url: string;
let grpcAddress: string;

async function plant(): Promise<void> {
  for (const path of copied) await cp(join(project, path), join(root, path), { recursive: true });
  await symlink(join(project, 'node_modules'), join(root, 'node_modules'));
  const sample = join(project, 'test/samples/hello');
  await cp(join(sample, 'src'), join(root, 'src/features/hello'), { recursive: true });
  await cp(join(sample, 'proto'), join(root, 'proto'), { recursive: true });
  const index = join(root, 'src/features/index.ts');
  const text = await readFile(index, 'utf8');
  const line = "import { helloFeature } from './hello/hello.module';\n";
  await writeFile(index, line + text.replace('  usersFeature,', '  usersFeature,\n  helloFeature,'));
}

async function start(): Promise<void> {
  const environment = {
    PATH: process.env.PATH,
    HTTP_PORT: '0',
    GRPC_PORT: '0',
    CHAT_PORT: '0',
    HELLO_GREETING: 'Ahoy',
    NO_COLOR: '1',
  };
  const child = spawn(process.execPath, ['dist/main.js'], { cwd: root, env: environment as NodeJS.ProcessEnv });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  stop = async () => {
    child.kill('SIGTERM');
    await once(child, 'close');
  };
  await eventually(async () => expect(said).toContain('"app_ready"'), 60_000);
  const ready = said.split('\n').find((line) => line.includes('"app_ready"')) ?? '{}';
  const { port, grpc_port: grpcPort } = JSON.parse(ready) as { port: number; grpc_port: number };
  [url, grpcAddress] = [`http://127.0.0.1:${port}`, `127.0.0.1:${grpcPort}`];
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hello-'));
  await plant();
  // Types, .env.example and what is listed for reflection; it builds, so all of it compiles.
  await run(process.execPath, ['test/architecture/generate.mjs'], { cwd: root });
  await start();
}, 600_000);
afterAll(async () => {
  await stop?.();
  await rm(root, { recursive: true, force: true });
});

async function send(method: string, path: string, body?: object): Promise<{ status: number; body: never }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await request(url + path, { method: method as 'GET', headers, body: JSON.stringify(body ?? {}) });
  return { status: answer.statusCode, body: (await answer.body.json()) as never };
}

test('it is called on both wires, and keeps what it counts in its table', async () => {
  const { id } = (await send('POST', '/users', { name: 'Ada', email: 'ada@example.com' })).body as { id: string };
  expect(await send('POST', `/hello/${id}`)).toEqual({ status: 201, body: { text: 'Ahoy, Ada!', count: 1 } });
  expect(await send('POST', '/hello/nobody')).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
  const definition = loadSync('aerie/hello/v1/hello.proto', { ...loaderOptions, includeDirs: [join(root, 'proto')] });
  const { aerie } = loadPackageDefinition(definition) as never as Record<string, Record<string, Record<string, never>>>;
  const Client = aerie?.hello?.v1?.['HelloService' as never] as never as new (
    ...parts: unknown[]
  ) => {
    greet(message: object, done: (error: Error | null, answer: object) => void): void;
    close(): void;
  };
  const client = new Client(grpcAddress, credentials.createInsecure());
  const greeted = promisify((done: (error: Error | null, answer: object) => void) =>
    client.greet({ userId: id }, done),
  );
  expect(await greeted()).toEqual({ text: 'Ahoy, Ada!', count: 2 });
  client.close();
  const database = new BetterSqlite3(join(root, '.data/aerie.db'), { readonly: true });
  expect(database.prepare('SELECT user_id, greetings FROM hello_greetings').all()).toEqual([
    { user_id: id, greetings: 2 },
  ]);
  database.close();
});

test('its variables are in .env.example, and its call is in the document', async () => {
  const example = await readFile(join(root, '.env.example'), 'utf8');
  expect(example).toContain('# The word with which users are greeted\n# HELLO_GREETING=Hello\n');
  expect(example).toContain('# HELLO_DATABASE_URL=\n');
  const document = (await (await request(`${url}/docs/openapi.json`)).body.json()) as { paths: Record<string, object> };
  expect(document.paths['/hello/{userId}']).toMatchObject({
    post: { operationId: 'HelloService.greet', tags: ['hello'] },
  });
});

test('MODULES knows it and what it needs', async () => {
  const environment = { PATH: process.env.PATH, MODULES: 'hello' } as NodeJS.ProcessEnv;
  const alone = run(process.execPath, ['dist/main.js'], { cwd: root, env: environment });
  await expect(alone).rejects.toMatchObject({
    stderr: expect.stringContaining('hello needs users; run it here, too (MODULES), or say where it runs'),
  });
});

test('it breaks no rule of the house', async () => {
  for (const check of ['names', 'arrows', 'cycles', 'layout', 'queries', 'wire-errors'])
    expect([check, (await inspectRoots(check, [root]))[0]]).toEqual([check, []]);
});
