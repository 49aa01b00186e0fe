import { type AppProcess, startApp } from '../support/app';
import { everyServer } from '../support/databases';
import { type LockService, lockServices } from './lock-services';
import { type Answer, newUser, UserClient } from './user-client';

// Many writers of one user in three real processes, with every kind of lock.

const [postgres] = everyServer;

const writers = 300;

test.each(lockServices)('$lock lock: 3 processes, 300 changes each at once', async ({ open }: LockService) => {
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
  const sent = clients.flatMap((client, i) => Array.from({ length: writers }, (_, n) => client.rename(`${i}-${n}`)));
  const answers = await Promise.all(sent);
  const done = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status !== 200);
  expect(new Set(refused.map(told))).toEqual(new Set(refused.length > 0 ? ['409 resource_busy true'] : []));
  expect(done.length).toBeGreaterThan(0);
  // Each acknowledged change is a version of its own, and nothing but they made versions.
  const versions = done.map(({ body }) => body.version).sort((a, b) => a - b);
  expect(versions).toEqual(done.map((_, i) => i + 2));
  const last = done.find(({ body }) => body.version === done.length + 1);
  for (const client of clients) expect((await client.read()).body).toEqual(last?.body);
  for (const client of clients) await client[Symbol.asyncDispose]();
});

function told({ status, body, retryAfter }: Answer): string {
  return `${status} ${body.code} ${Number(retryAfter) >= 1}`;
}
