import { request } from 'undici';
import { startApp } from '../support/app';
import { everyServer } from '../support/databases';

// MYSQL_DSN as Go spells it: users and auth live there, everything else in DATABASE_URL.

const mysql = everyServer.find(({ name }) => name === 'mysql');

test('somebody registers and logs in over user:password@tcp(host:port)/db', async () => {
  if (!mysql) throw new Error('There is no MySQL');
  await using database = await mysql.create();
  const { username, password, host, pathname } = new URL(database.url);
  const env = { MYSQL_DSN: `${username}:${password}@tcp(${host})${pathname}?parseTime=true` };
  const send = async (url: string, path: string, body: object): Promise<number> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await request(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    await answer.body.dump();
    return answer.statusCode;
  };
  const person = { email: 'ada@example.com', password: 'correct horse' };
  {
    await using app = await startApp({ env });
    expect(await send(app.url, '/auth/register', { name: 'Ada', ...person })).toBe(201);
  }
  // Another process with a SQLite file of its own: only what is in MySQL is still there.
  await using app = await startApp({ env });
  expect(await send(app.url, '/auth/login', person)).toBe(200);
  expect(app.stdout() + app.stderr()).not.toContain(`:${password}@`);
});
