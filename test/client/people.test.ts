import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AerieClient } from '../../src/client/client';
import { type AppProcess, ensureBuilt, startApp } from '../support/app';

// Users and tokens from the command line and the client library, over both wires.

const program = join(__dirname, '..', '..', 'dist', 'client', 'aerie.js');
let app: AppProcess;
let folder: string;
beforeAll(async () => {
  ensureBuilt();
  folder = mkdtempSync(join(tmpdir(), 'aerie-people-'));
  app = await startApp();
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function aerie(args: readonly string[], input = ''): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { cwd: folder, env: {} });
  const printed = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    printed.out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    printed.err += chunk.toString();
  });
  child.stdin.end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...printed })));
}

describe.each(['http', 'grpc'])('over %s', (wire) => {
  const at = (): string[] => ['--url', wire === 'http' ? app.url : app.grpcUrl];
  const email = `ada-${wire}@example.com`;

  test('aerie users create, get, list, update, delete', async () => {
    const created = await aerie([
      ...at(),
      '--json',
      'users',
      'create',
      '--name',
      'Ada',
      '--email',
      email,
      '--age',
      '36',
    ]);
    const user = JSON.parse(created.out) as { id: string };
    expect(user).toMatchObject({ name: 'Ada', email, age: 36, version: 1 });
    expect((await aerie([...at(), 'users', 'get', user.id])).out).toContain(email);
    const listed = await aerie([...at(), 'users', 'list', '--email', email.toUpperCase()]);
    expect(listed.out).toContain(user.id);
    const update = ['users', 'update', user.id, '--name', 'Eve', '--expected-version'];
    expect((await aerie([...at(), ...update, '1'])).out).toContain('Eve');
    expect(await aerie([...at(), ...update, '1'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('version_mismatch'),
    });
    expect((await aerie([...at(), 'users', 'delete', user.id])).code).toBe(0);
    expect(await aerie([...at(), 'users', 'delete', user.id])).toMatchObject({
      code: 1,
      err: expect.stringContaining('user_not_found'),
    });
    const wrong = await aerie([...at(), 'users', 'create', '--name', 'Ada', '--email', 'ada']);
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('email') });
    expect((await aerie([...at(), 'users', 'update', user.id, '--age', '200'])).code).toBe(2);
  });

  test('aerie register, login, whoami, logout; the password comes from a file or standard input and is never shown', async () => {
    const file = join(folder, `password-${wire}`);
    writeFileSync(file, 'correct horse\n');
    const person = [`Bob`, `bob-${wire}@example.com`];
    const registered = await aerie([...at(), 'register', ...person, '--password', `@${file}`]);
    expect(registered).toMatchObject({ code: 0, err: expect.stringContaining('Registered') });
    const login = await aerie([...at(), 'login', person[1] ?? ''], 'correct horse\n');
    const token = login.out.trim();
    expect(token).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
    const wrong = await aerie([...at(), 'login', person[1] ?? ''], 'wrong horse\n');
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('credentials_invalid') });
    const none = await aerie([...at(), 'login', person[1] ?? '']);
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('password') });
    expect((await aerie([...at(), '--token', token, 'whoami'])).out).toMatch(/Bob, player, until/);
    expect((await aerie([...at(), '--token', token, 'logout'])).code).toBe(0);
    expect(await aerie([...at(), '--token', token, 'whoami'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('token_invalid'),
    });
    for (const { out, err } of [registered, login, wrong, none]) expect(out + err).not.toContain('horse');
  });

  test('the client library: a key makes one user, and a token its owner', async () => {
    await using client = new AerieClient({ url: wire === 'http' ? app.url : app.grpcUrl });
    const person = { name: 'Cy', email: `cy-${wire}@example.com`, age: undefined };
    const [first, second] = await Promise.all(
      [1, 2].map(() => client.users.createUser({ ...person }, { idempotencyKey: `key-${wire}` })),
    );
    expect(second).toEqual(first);
    await expect(
      client.sendEvent({ type: 'progression', playerId: 'player-1', payload: { deltaXp: 1 } }),
    ).rejects.toThrow('key: is required');
    const { accessToken, user } = await client.auth.register({
      name: 'Dee',
      email: `dee-${wire}@example.com`,
      password: 'correct horse',
    });
    await using own = client.as(accessToken);
    expect(await own.users.getUser({ id: user?.id ?? '' })).toEqual(user);
    await expect(own.users.getUser({ id: first?.id ?? '' })).rejects.toMatchObject({ code: 'user_not_found' });
    await expect(own.users.listUsers({})).rejects.toMatchObject({ code: 'forbidden' });
  });
});
