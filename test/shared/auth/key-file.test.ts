import { createHook } from 'node:async_hooks';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { readOrMakePrivateKey } from '../../../src/shared/auth/key-file';
import { TokenKeys } from '../../../src/shared/auth/token-keys';
import type { Config } from '../../../src/shared/config/config';
import { ConfigError } from '../../../src/shared/config/config.errors';
import { Metrics } from '../../../src/shared/metrics/metrics';
import { eventually } from '../../support/eventually';
import { holdThreads } from '../../support/threads';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aerie-key-file-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const keysOf = (file: string, makeKey: boolean): TokenKeys =>
  new TokenKeys(
    { jwt: { privateKeyFiles: [file], publicKeyFiles: [], makeKey, ttlMs: 1 } } as unknown as Config,
    new Metrics(),
  );

test('of many who start at once one makes the key, for its owner alone, and all have it', async () => {
  const file = join(folder, 'new', 'folder', 'jwt.pem');
  const keys = await Promise.all(Array.from({ length: 8 }, () => readOrMakePrivateKey(file)));
  const moduli = keys.map((key) => key.export({ format: 'jwk' }).n);
  expect(new Set(moduli).size).toBe(1);
  expect((await readOrMakePrivateKey(file)).export({ format: 'jwk' }).n).toBe(moduli[0]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder, 'new', 'folder'))).toEqual(['jwt.pem']);
});

test('the event loop is free meanwhile', async () => {
  const file = join(folder, 'free.pem');
  let held: Disposable | undefined;
  const later: string[] = [];
  const hook = createHook({
    init: (_id, type) => {
      if (held) later.push(type);
      // The other threads are occupied as soon as the making has begun: it waits for them, and would not on this one.
      else if (/KEYPAIRGEN/.test(type)) held = holdThreads();
    },
  }).enable();
  const making = readOrMakePrivateKey(file);
  try {
    await eventually(async () => expect(held).toBeDefined());
    for (let turns = 0; turns < 50; turns += 1) await turn();
    // A key that was made would be on its way into its file.
    expect(later.filter((type) => type.startsWith('FS'))).toEqual([]);
  } finally {
    hook.disable();
    held?.[Symbol.dispose]();
  }
  expect((await making).asymmetricKeyType).toBe('rsa');
});

test.each([
  ['garbage', 'hunter2'],
  ['half a key', '-----BEGIN PRIVATE KEY-----\nhunter2\n'],
  ['nothing', ''],
])('a file with %s is named by its variable, never made anew, and not shown', async (name, content) => {
  const file = join(folder, `${name.replaceAll(' ', '-')}.pem`);
  await writeFile(file, content);
  for (const makeKey of [true, false]) {
    const error = await keysOf(file, makeKey)
      .ring()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).variables.map((each) => each.name)).toEqual(['JWT_PRIVATE_KEY_FILE']);
    expect(String((error as Error).message)).not.toContain('hunter2');
  }
});

test('outside development a key that is missing is not made', async () => {
  const file = join(folder, 'missing.pem');
  await expect(keysOf(file, false).ring()).rejects.toThrow(/JWT_PRIVATE_KEY_FILE: .*ENOENT/);
  await expect(stat(file)).rejects.toThrow('ENOENT');
});
