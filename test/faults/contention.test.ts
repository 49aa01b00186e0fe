import { type AppProcess, startApp } from '../support/app';
import { everyServer } from '../support/databases';
import { eventually } from '../support/eventually';
import { type LockService, lockServices } from './lock-services';
import { type Answer, newUser, UserClient } from './user-client';

// Many writers of one user in three real processes, with every kind of lock.

const [postgres] = everyServer;

const writers = 300;

test.each(lockServices)(
  '$lock lock: 3 processes, 300 changes each at once',
  async ({ open }: LockService) => {
    if (!postgres) throw new Error('There is no PostgreSQL');
    await using database = await postgres.create();
    await using service = await open();
    const start = (): Promise<AppProcess> => startApp({ databaseUrl: database.url, env: service.env });
    // One migrates, the others find it done.
    await using one = await start();
    await using two = await start();
    await using three = await start();
    const id = await newUser(one.url);
    const clients = [one, two, three].map(({ url }) => new UserClient(url, id));
    // Cold code is slow enough to look like a lock service that does not answer.
    const other = await newUser(one.url);
    for (const { url } of [one, two, three]) {
      await using warm = new UserClient(url, other);
      await Promise.all(Array.from({ length: 50 }, (_, n) => warm.rename(`${n}`)));
    }
    const sent = clients.flatMap((client, i) =>
      Array.from({ length: writers }, (_, n) => client.renameAtLast(`${i}-${n}`)),
    );
    const answers = await Promise.all(sent);
    const done = answers.filter(({ status }) => status === 200);
    const late = answers.filter(({ body }) => body.code === 'deadline_exceeded');
    const refused = answers.filter(({ status, body }) => status !== 200 && body.code !== 'deadline_exceeded');
    expect(new Set(refused.map(told))).toEqual(new Set(refused.length > 0 ? ['409 resource_busy true'] : []));
    expect(done.length).toBeGreaterThan(0);
    // Each acknowledged change is a version of its own, and only those made others whose answer came too late.
    const versions = done.map(({ body }) => body.version).sort((a, b) => a - b);
    expect(new Set(versions).size).toBe(done.length);
    const last = await agreed(clients, late.length > 0 ? 60_000 : 0);
    const others = last.version - 1 - done.length;
    expect(versions.filter((version) => version < 2 || version > last.version)).toEqual([]);
    expect(others).toBeGreaterThanOrEqual(0);
    expect(others).toBeLessThanOrEqual(late.length);
    if (others === 0) expect(done.find(({ body }) => body.version === last.version)?.body).toEqual(last);
    for (const client of clients) await client[Symbol.asyncDispose]();
  },
  400_000,
);

/** What all processes say of the user. Changes that are still at work have so long to end. */
async function agreed(clients: readonly UserClient[], limitMs: number): Promise<Answer['body']> {
  let users: Answer['body'][] = [];
  await eventually(async () => {
    users = await Promise.all(clients.map(async (client) => (await client.read()).body));
    for (const user of users) expect(user).toEqual(users[0]);
  }, limitMs);
  return users[0] as Answer['body'];
}

function told({ status, body, retryAfter }: Answer): string {
  return `${status} ${body.code} ${Number(retryAfter) >= 1}`;
}
