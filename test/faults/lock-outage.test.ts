import { startApp } from '../support/app';
import { everyDatabase } from '../support/databases';
import { startEtcd } from '../support/etcd';
import { eventually } from '../support/eventually';
import { startRedis } from '../support/redis';
import { newUser, UserClient } from './user-client';

// The lock service is gone: writes say so, reads go on, and nobody has to restart anything.

// A request ends as a 504 after 5 s: who is told 503 has not waited for that, however busy the machine is.
const waitMs = 300;
const [sqlite] = everyDatabase;

async function expectRefused(user: UserClient): Promise<void> {
  const before = (await user.read()).body;
  const { status, body, retryAfter } = await user.rename('unheard');
  expect([status, body.code, Number(retryAfter) >= 1]).toEqual([503, 'unavailable', true]);
  expect(await user.read()).toMatchObject({ status: 200, body: before });
}

async function expectWorking(user: UserClient, name: string): Promise<void> {
  await eventually(async () => expect(await user.rename(name)).toMatchObject({ status: 200, body: { name } }));
}

/** A process with this lock, and a user of it that can be changed. */
async function withUser(env: Record<string, string>, run: (user: UserClient) => Promise<void>): Promise<void> {
  if (!sqlite) throw new Error('There is no SQLite');
  await using database = await sqlite.create();
  await using app = await startApp({ databaseUrl: database.url, env: { ...env, LOCK_WAIT_MS: String(waitMs) } });
  await using user = new UserClient(app.url, await newUser(app.url));
  await expectWorking(user, 'before');
  await run(user);
}

// Mostly waiting, so all at once.
test.concurrent('Redis killed, and back, empty', async () => {
  await using redis = await startRedis();
  const env = { LOCK_TYPE: 'redis', REDIS_URL: redis.url };
  await withUser(env, async (user) => {
    await redis.kill();
    await expectRefused(user);
    await redis.restart();
    await expectWorking(user, 'after');
    redis.freeze();
    await expectRefused(user);
    redis.resume();
    await expectWorking(user, 'awake');
  });
});

test.concurrent('etcd killed, and back', async () => {
  await using cluster = await startEtcd(1);
  const env = { LOCK_TYPE: 'etcd', ETCD_ENDPOINTS: cluster.endpoints.join(',') };
  await withUser(env, async (user) => {
    const [member] = cluster.members;
    await member?.kill();
    await expectRefused(user);
    await member?.restart();
    await expectWorking(user, 'after');
  });
});

test.concurrent('the leader of three etcd members killed: no hang, and the others go on', async () => {
  await using cluster = await startEtcd(3);
  const env = { LOCK_TYPE: 'etcd', ETCD_ENDPOINTS: cluster.endpoints.join(',') };
  await withUser(env, async (user) => {
    await (await cluster.leader()).kill();
    const { status } = await user.rename('at once');
    // 409 when the new leader answers before the caller has to be told that nobody does.
    expect([200, 409, 503]).toContain(status);
    await expectWorking(user, 'new leader');
  });
});
