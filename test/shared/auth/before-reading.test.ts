import { connect } from 'node:net';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { everyContract } from '../../support/every-contract';
import { openApp, type TestApp } from '../../support/wires';

// Whoever may not call is told so before the message is read or decoded: what is wrong with it is nobody's business who has
// no right to send one, and decoding is work.

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  const [sqlite] = everyDatabase;
  if (!sqlite) throw new Error('There is no database');
  database = await sqlite.create();
  app = await openApp(database.url, { AUTH_REQUIRED: 'true', INTERNAL_API_SECRET: secret });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const secret = 'the-internal-secret-of-this-very-test';
const closed = everyContract.flatMap(({ contract }) =>
  Object.entries(contract.routes)
    .filter(([, { access }]) => access !== 'public' && access !== 'optional')
    .map(([method, route]) => ({ contract, method, route })),
);

test.each(closed)('gRPC: $method', async ({ contract, method }) => {
  const definition = app.grpc.method(contract, method);
  for (const bytes of [Buffer.from([0xff, 0xff, 0xff]), Buffer.from([0x0f]), Buffer.alloc(200_000, 0xff)]) {
    const stranger = await app.grpc.send(definition, bytes);
    expect([stranger.status, stranger.code]).toEqual([16, 'token_invalid']);
    const known = await app.grpc.send(definition, bytes, { authorization: `Bearer ${secret}` });
    // Of the token's own calls the internal secret is none.
    expect(known.code).toMatch(/^(validation_failed|token_invalid)$/);
  }
});

const writes = closed.filter(({ route }) => !route.http.startsWith('GET '));
test.each(writes)('HTTP: $method', async ({ route }) => {
  const [verb = '', path = ''] = route.http.replace(/:\w+/g, 'x').split(' ');
  for (const [type, body] of [
    ['application/json', '{"half'],
    ['text/plain', 'x'],
    ['application/json', 'x'.repeat(300_000)],
  ] as const) {
    const outcome = await app.http.send(verb, path, { 'content-type': type }, body);
    expect([outcome.status, outcome.code]).toEqual([401, 'token_invalid']);
  }
});

test('HTTP: nobody waits for the body of a stranger', async () => {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
  const answer = new Promise<string>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => resolve(chunk.toString())).on('error', reject);
  });
  socket.write('POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{');
  expect(await answer).toMatch(/^HTTP\/1\.1 401 /);
  socket.destroy();
});
