import { connect } from 'node:net';
import { request } from 'undici';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { type HttpWire, openApp, type TestApp } from '../../support/wires';

// What clients, frameworks, browsers and proxies do to a request on its way, and what has to come of it.

type Database = (typeof everyDatabase)[number];
const json = { 'content-type': 'application/json' };
let database: TestDatabase;
let app: TestApp;
let http: HttpWire;

beforeAll(async () => {
  database = await (everyDatabase[0] as Database).create();
  app = await openApp(database.url, { ALLOWED_ORIGINS: 'https://studio.example,https://*.itch.zone' });
  http = app.http;
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

let made = 0;
async function newUser(): Promise<string> {
  made += 1;
  const body = JSON.stringify({ name: 'Ada', email: `ada${made}@example.com`, age: 36 });
  return String((await http.send('POST', '/users', json, body)).body.id);
}

/** Sends these very bytes; resolves with all that comes back until the server closes. */
function raw(...lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.on('error', reject).on('close', () => resolve(text));
    socket.write(lines.join('\r\n'));
  });
}

describe('a route that takes no body', () => {
  test.each([
    ['a type and nothing', ['Content-Type: application/json']],
    ['a type and the length 0', ['Content-Type: application/json', 'Content-Length: 0']],
    ['a type that is not ours', ['Content-Type: text/plain', 'Content-Length: 0']],
    ['a form', ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 0']],
    ['a type that is none', ['Content-Type: ;;;', 'Content-Length: 0']],
    ['no type', ['Content-Length: 0']],
    ['no chunks', ['Content-Type: application/json', 'Transfer-Encoding: chunked']],
    ['no chunks of another type', ['Content-Type: text/plain', 'Transfer-Encoding: chunked']],
  ])('ignores %s', async (_name, headers) => {
    const id = await newUser();
    const end = headers.some((header) => header.includes('chunked')) ? ['0', '', ''] : [''];
    for (const line of [`DELETE /users/${id} HTTP/1.1`, 'POST /leaderboard/verify?window=daily HTTP/1.1']) {
      const answer = await raw(line, 'Host: localhost', 'Connection: close', ...headers, '', ...end);
      expect([line, answer.slice(0, 12)]).toEqual([line, line.startsWith('DELETE') ? 'HTTP/1.1 204' : 'HTTP/1.1 200']);
    }
  });

  test('does not take one that has something in it', async () => {
    const id = await newUser();
    const outcome = await http.send('DELETE', `/users/${id}`, json, '{"expectedVersion":1}');
    expect([outcome.status, outcome.fields]).toEqual([400, ['body']]);
  });

  test('and the connection stays open after an empty one', async () => {
    const id = await newUser();
    const answer = await raw(
      `DELETE /users/${id} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`,
      'GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 204', 'HTTP/1.1 200']);
  });
});

test('where a body is required, an empty one names what is missing', async () => {
  for (const headers of [json, {}, { 'content-type': 'text/plain' }]) {
    const outcome = await http.send('POST', '/users', headers);
    expect([outcome.status, outcome.code, outcome.fields]).toEqual([400, 'validation_failed', ['name', 'email']]);
  }
});

describe('the query of a call that changes something', () => {
  test.each([
    ['POST', '/users?name=Eve&email=eve@example.com', 'name'],
    ['POST', '/auth/login?email=eve@example.com&password=correct-horse', 'email'],
    ['POST', '/auth/register?name=Eve&email=eve@example.com&password=correct-horse', 'name'],
    ['POST', '/rewards/claim?playerId=player-1&rewardId=boss-a', 'playerId'],
    ['POST', '/fairness/players/player-1/block?seconds=60&reason=x', 'seconds'],
    ['PATCH', '/fairness/rules/flood?mode=off', 'mode'],
    ['PATCH', `/users/${'0'.repeat(26)}?name=Eve`, 'name'],
  ])('%s %s is refused', async (method, path, field) => {
    for (const body of [undefined, '{}']) {
      const outcome = await http.send(method, path, body === undefined ? {} : json, body);
      expect([outcome.status, outcome.fields[0]]).toEqual([400, field]);
    }
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json5',
  ])('a body of %s is refused, which any page can send', async (type) => {
    const body = '{"name":"Eve","email":"form@example.com"}';
    expect((await http.send('POST', '/users', { 'content-type': type }, body)).status).toBe(415);
  });
});

test.each([
  'application/json; charset=utf8',
  'application/json;charset=UTF-8',
  'application/json; charset="utf-8"',
  'Application/JSON',
  'application/json; odata=verbose; charset=utf-8',
])('the type %s is JSON in UTF-8', async (type) => {
  made += 1;
  const body = `\ufeff{"name":"Ada","email":"type${made}@example.com"}`;
  expect((await http.send('POST', '/users', { 'content-type': type }, body)).code).toBe('ok');
});

test.each(['utf-16', 'latin1', 'utf-7', ''])('the charset %j is refused', async (charset) => {
  const type = `application/json; charset=${charset}`;
  expect((await http.send('POST', '/users', { 'content-type': type }, '{}')).status).toBe(415);
});

describe('a developer without credentials', () => {
  const anonymous = (headers: Record<string, string>) => http.send('GET', '/users', headers);
  const host = () => new URL(app.url).host;

  test.each([
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{ origin: 'https://a.b.itch.zone' }],
    [{ origin: 'http://a.itch.zone' }],
    [{ origin: 'https://itch.zone' }],
    [{ origin: 'http://localhost:9999' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
  ])('is not taken for one with %j', async (headers: Record<string, string>) => {
    expect(await anonymous(headers)).toMatchObject({ status: 401, code: 'token_invalid' });
    const body = '{"name":"Eve","email":"cross@example.com"}';
    expect((await http.send('POST', '/users', { ...json, ...headers }, body)).status).toBe(401);
  });

  test('is not taken for one by what stands behind a thousand other headers, or in another target', async () => {
    const lines = (count: number): string[] => new Array<string>(count).fill('A:');
    for (const header of ['X-Forwarded-For: 1.2.3.4', 'Origin: http://evil.example', 'X-Aerie-Subject: player-1']) {
      for (const count of [10, 998, 2100]) {
        const head = ['GET /users HTTP/1.1', 'Host: localhost', 'Connection: close', ...lines(count), header, '', ''];
        expect([header, count, (await raw(...head)).slice(0, 12)]).toEqual([header, count, 'HTTP/1.1 401']);
      }
    }
    const absolute = ['GET http://evil.example/users HTTP/1.1', 'Host: localhost', 'Connection: close', '', ''];
    expect(await raw(...absolute)).toMatch(/^HTTP\/1\.1 401 /);
  });

  test('is one without a browser, from the page of the API, and from an allowed origin', async () => {
    const fine: Record<string, string>[] = [
      {},
      { origin: `http://${host()}`, 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { origin: 'https://studio.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'https://my-game.itch.zone', 'sec-fetch-site': 'cross-site' },
    ];
    for (const headers of fine) expect([headers, (await anonymous(headers)).status]).toEqual([headers, 200]);
  });
});

describe('CORS', () => {
  const preflight = async (origin: string) => {
    const asked = 'if-match,if-none-match,traceparent,tracestate,x-trace-id,idempotency-key,authorization,content-type';
    const headers = { origin, 'access-control-request-method': 'PATCH', 'access-control-request-headers': asked };
    return (await request(`${app.url}/users/x`, { method: 'OPTIONS', headers })).headers;
  };

  test('the preflight allows what conditional and traced requests need', async () => {
    const headers = await preflight('https://studio.example');
    expect(headers['access-control-allow-origin']).toBe('https://studio.example');
    expect(String(headers['access-control-allow-headers']).toLowerCase().split(', ')).toEqual(
      expect.arrayContaining(['if-match', 'if-none-match', 'traceparent', 'tracestate', 'x-trace-id']),
    );
    const { headers: read } = await request(`${app.url}/leaderboard?window=daily`, {
      headers: { origin: 'https://studio.example' },
    });
    expect(String(read['access-control-expose-headers']).toLowerCase().split(', ')).toEqual(
      expect.arrayContaining(['etag', 'location', 'retry-after', 'ratelimit', 'ratelimit-policy', 'x-trace-id']),
    );
    expect(read.vary).toContain('Origin');
  });

  test.each([
    ['https://game.itch.zone', true],
    ['https://my-game-2.itch.zone', true],
    ['https://a.b.itch.zone', false],
    ['https://.itch.zone', false],
    ['https://itch.zone', false],
    ['http://game.itch.zone', false],
    ['https://evilitch.zone', false],
    ['https://game.itch.zone.evil.example', false],
    ['https://game.itch.zone:8443', false],
    ['https://studio.example.evil.example', false],
  ])('of %s: %s', async (origin, allowed) => {
    expect((await preflight(origin))['access-control-allow-origin']).toBe(allowed ? origin : undefined);
  });
});

describe('a conditional request', () => {
  test('If-Match takes the version also where a proxy made its tag weak', async () => {
    const id = await newUser();
    const patch = (tag: string) => http.send('PATCH', `/users/${id}`, { ...json, 'if-match': tag }, '{"name":"Eve"}');
    expect((await patch('W/"1"')).status).toBe(200);
    expect((await patch('w/"2"')).status).toBe(200);
    expect((await patch('W/"1"')).status).toBe(412);
    expect((await patch('"1')).status).toBe(400);
  });

  test.each([
    ['"1"', 304],
    ['W/"1"', 304],
    ['"7", W/"1"', 304],
    ['*', 304],
    ['"2"', 200],
    ['1', 200],
    ['', 200],
  ])('If-None-Match: %s on a read with an ETag is %d', async (tag, status) => {
    const id = await newUser();
    const answer = await request(`${app.url}/users/${id}`, { headers: { 'if-none-match': tag } });
    expect([answer.statusCode, answer.headers.etag]).toEqual([status, '"1"']);
    expect(await answer.body.text()).toMatch(status === 304 ? /^$/ : /"version":1/);
  });
});

test.each(['GET /nowhere', 'DELETE /events', 'GET /users/x/y/z', 'POST /docs'])(
  '%s, which no route has, is answered with the security headers of any other',
  async (line) => {
    const [method = '', path = ''] = line.split(' ');
    const { headers } = await request(`${app.url}${path}`, { method: method as 'GET' });
    for (const name of ['content-security-policy', 'x-content-type-options', 'strict-transport-security', 'x-trace-id'])
      expect([name, typeof headers[name]]).toEqual([name, 'string']);
  },
);

test('a silent connection is kept longer than the 600 s for which large balancers keep theirs', async () => {
  const { headers, body } = await request(`${app.url}/health/live`);
  await body.dump();
  expect(headers['keep-alive']).toBe('timeout=620');
});

test('behind a path prefix the links that are given out have it', async () => {
  await using other = await (everyDatabase[0] as Database).create();
  await using app = await openApp(other.url, { PUBLIC_URL: 'https://api.studio.example/game/' });
  const document = (await (await request(`${app.url}/docs/openapi.json`)).body.json()) as { servers: object[] };
  expect(document.servers).toEqual([{ url: 'https://api.studio.example/game' }]);
  const body = '{"name":"Ada","email":"prefix@example.com"}';
  const made = await request(`${app.url}/users`, { method: 'POST', headers: json, body });
  const { id } = (await made.body.json()) as { id: string };
  expect(made.headers.location).toBe(`https://api.studio.example/game/users/${id}`);
  // Nothing in the page begins at the root of the host.
  const page = await (await request(`${app.url}/docs`)).body.text();
  expect([...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link]) => link)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^docs\//)]),
  );
  expect(page).not.toMatch(/(href|src)="\//);
});

describe('an HTTP/1.1 request', () => {
  const one = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));

  test.each([
    ['without Host', []],
    ['with two', ['Host: a', 'Host: b']],
    ['with two that are the same', ['Host: a', 'host: a']],
  ])('%s is 400 in the one shape', async (_name, hosts) => {
    const answer = await raw('GET /health/live HTTP/1.1', ...hosts, 'Connection: close', '', '');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(one(answer)).toMatchObject({
      error: 'Bad Request',
      code: 'validation_failed',
      message: expect.stringMatching(/^Host: /),
    });
  });

  test('with an Expect that nobody knows is 417 in the one shape, and 100-continue is answered', async () => {
    const unknown = await raw('GET /health/live HTTP/1.1', 'Host: a', 'Expect: 200-ok', '', '');
    expect(unknown).toMatch(/^HTTP\/1\.1 417 Expectation Failed\r\n/);
    expect(one(unknown)).toMatchObject({ error: 'Expectation Failed', code: 'validation_failed' });
    const head = ['POST /users HTTP/1.1', 'Host: localhost', 'Connection: close', 'Content-Type: application/json'];
    const known = await raw(...head, 'Content-Length: 2', 'Expect: 100-continue', '', '{}');
    expect(known).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 400 /);
  });

  test('of version 1.0 needs no Host', async () => {
    expect(await raw('GET /health/live HTTP/1.0', '', '')).toMatch(/^HTTP\/1\.1 200 /);
  });
});
