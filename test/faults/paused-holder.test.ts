import { setTimeout as sleep } from 'node:timers/promises';
import { type AppProcess, startApp } from '../support/app';
import { everyServer } from '../support/databases';
import { eventually } from '../support/eventually';
import { familyOf, freezeFamily, signalAll } from '../support/processes';
import { startSilentProxy } from '../support/silent-proxy';
import { type LockService, lockServices } from './lock-services';
import { newUser, UserClient } from './user-client';

// A holder that sleeps through the end of its lock. What it writes when it wakes up must change nothing.

const ttlMs = 500;
const rounds = 20;
const [postgres] = everyServer;

async function behindProxy(url: string, env: Record<string, string>) {
  const proxy = await startSilentProxy(Number(new URL(url).port));
  const through = new URL(url);
  through.port = String(proxy.port);
  const app = await startApp({ databaseUrl: through.href, env });
  const close = async (): Promise<void> => {
    await app[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  };
  return { app, proxy, [Symbol.asyncDispose]: close };
}

const freeze = ({ pid }: AppProcess): void => freezeFamily(pid);
const wake = ({ pid }: AppProcess): void => signalAll(familyOf(pid), 'SIGCONT');

test.each(lockServices)(
  '$lock lock: stopped for twice the TTL, 20 times',
  async ({ open }: LockService) => {
    if (!postgres) throw new Error('There is no PostgreSQL');
    await using database = await postgres.create();
    await using service = await open();
    const env = { ...service.env, LOCK_TTL_MS: String(ttlMs), LOCK_WAIT_MS: '3000' };
    await using other = await startApp({ databaseUrl: database.url, env });
    await using holder = await behindProxy(database.url, env);
    const id = await newUser(other.url);
    await using late = new UserClient(holder.app.url, id);
    await using quick = new UserClient(other.url, id);
    let version = 1;
    const told = new Set<string>();
    for (let round = 0; round < rounds; round += 1) {
      const statement = holder.proxy.holdNext(/UPDATE "users"/);
      const change = late.rename(`late ${round}`);
      await statement.held;
      freeze(holder.app);
      const wakeAt = performance.now() + 2 * ttlMs;
      let written = 0;
      await eventually(async () => {
        const { status, body } = await quick.rename(`quick ${round}`);
        expect(status).toBe(200);
        written = body.version;
      });
      await sleep(Math.max(0, wakeAt - performance.now()));
      wake(holder.app);
      statement.release();
      const { status, body, retryAfter } = await change;
      told.add(`${status} ${body.code}${status === 409 ? ` ${Number(retryAfter) >= 1}` : ''}`);
      version += 1;
      expect(written).toBe(version);
      expect((await quick.read()).body).toMatchObject({ name: `quick ${round}`, version });
    }
    // A request ends after 5 s, which may pass while its process is stopped.
    told.delete('504 deadline_exceeded');
    expect([...told]).toEqual(['409 resource_busy true']);
  },
  500_000,
);

test.concurrent.each(lockServices)(
  '$lock lock: of a holder that was killed others hear no more after TTL + 1 s',
  async (each) => {
    if (!postgres) throw new Error('There is no PostgreSQL');
    const lifeMs = 2000;
    await using database = await postgres.create();
    await using service = await each.open();
    const env = { ...service.env, LOCK_TTL_MS: String(lifeMs), LOCK_WAIT_MS: String(lifeMs + 1000) };
    await using other = await startApp({ databaseUrl: database.url, env });
    await using holder = await behindProxy(database.url, env);
    const id = await newUser(other.url);
    await using lost = new UserClient(holder.app.url, id);
    await using quick = new UserClient(other.url, id);
    const statement = holder.proxy.holdNext(/UPDATE "users"/);
    const change = lost.rename('never').catch(() => undefined);
    await statement.held;
    await holder.app.kill('SIGKILL');
    const answers: number[] = [];
    while (answers.at(-1) !== 200 && answers.length < 50) answers.push((await quick.rename('others')).status);
    // Each waits for TTL + 1 s, so that the first is served; a busy machine may need another.
    expect(answers.length).toBeLessThanOrEqual(3);
    expect(answers.filter((status) => status !== 200 && status !== 409)).toEqual([]);
    await change;
    expect((await quick.read()).body).toMatchObject({ name: 'others', version: 2 });
  },
);
