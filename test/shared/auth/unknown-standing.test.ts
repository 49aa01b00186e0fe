import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import { progressionContract as progression } from '../../../src/features/progression/progression.api';
import { everyDatabase, everyServer } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { makeKeyFile } from '../../support/keys';
import { manyAddresses, register } from '../../support/players';
import { startSilentProxy } from '../../support/silent-proxy';
import { openApp } from '../../support/wires';

// What cannot be known is neither refused as wrong nor let pass.

const wires = ['http', 'grpc'] as const;

test.each(everyServer)(
  '$name: while accounts cannot be asked, tokens are neither right nor wrong',
  async ({ create }) => {
    await using database = await create();
    const url = new URL(database.url);
    const proxy = await startSilentProxy(Number(url.port));
    url.port = String(proxy.port);
    await using app = await openApp(database.url, { ...manyAddresses, AUTH_DATABASE_URL: url.href });
    const player = await register(app, 'standing@example.com');
    expect((await app.http.call(auth, 'verify', {}, player.headers)).code).toBe('ok');
    await proxy[Symbol.asyncDispose]();
    // What was known of the account before holds for a second.
    const unknown = async () =>
      expect((await app.http.call(auth, 'verify', {}, player.headers)).code).toBe('unavailable');
    await eventually(unknown);
    for (const wire of wires) {
      for (const outcome of [
        await app[wire].call(auth, 'verify', {}, player.headers),
        await app[wire].call(progression, 'getProgress', { playerId: player.id }, player.headers),
      ])
        expect([outcome.code, [503, 14].includes(outcome.status), outcome.retryAfter]).toEqual([
          'unavailable',
          true,
          true,
        ]);
      // Who needs no account is served all the same, and what is wrong by itself is wrong.
      expect((await app[wire].call(progression, 'verifyReward', { receipt: 'x' }, player.headers)).code).toBe('ok');
      const broken = { authorization: `${player.headers.authorization}x` };
      expect((await app[wire].call(auth, 'verify', {}, broken)).code).toBe('token_invalid');
    }
  },
);

test('a process without accounts knows nobody’s token', async () => {
  await using database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  const folder = await mkdtemp(join(tmpdir(), 'aerie-standing-'));
  const key = { JWT_PRIVATE_KEY_FILE: await makeKeyFile(folder, 'shared') };
  let headers: Record<string, string>;
  {
    await using all = await openApp(database.url, { ...manyAddresses, ...key });
    ({ headers } = await register(all, 'elsewhere@example.com'));
  }
  await using some = await openApp(database.url, { ...key, MODULES: 'events-gateway,fairness' });
  for (const wire of wires)
    expect((await some[wire].call(fairness, 'listRules', {}, headers)).code).toBe('token_invalid');
  await rm(folder, { recursive: true, force: true });
});
