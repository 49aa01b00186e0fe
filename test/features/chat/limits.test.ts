import { createConnection } from 'node:net';
import { request } from 'undici';
import { WebSocket } from 'ws';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp, type TestApp } from '../../support/wires';
import { WsClient } from './clients';

// The promise: whatever a WebSocket client sends, it gets a clear answer, and nobody else feels it.

let app: TestApp;
let close: () => Promise<void>;

beforeAll(async () => {
  const database = await everyDatabase[0]!.create();
  app = await openApp(database.url, { CHAT_PORT: '0', ALLOWED_ORIGINS: 'https://game.example' });
  close = async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  };
});

afterAll(() => close());

async function entered(name: string): Promise<WsClient> {
  const client = new WsClient(app.url);
  await client.enter(name);
  return client;
}

/** The status and body with which a handshake is refused. */
function refused(path: string, options: object = {}): Promise<{ status: number; body: Record<string, unknown> }> {
  const socket = new WebSocket(`${app.url.replace('http', 'ws')}${path}`, [], options);
  return new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('It was accepted')));
    socket.once('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as never }));
    });
    socket.on('error', () => undefined);
  });
}

test('a page of another origin is refused, ours and allowed ones are not', async () => {
  const answer = await refused('/chat/ws', { headers: { origin: 'https://evil.example' } });
  expect(answer).toMatchObject({
    status: 403,
    body: { code: 'origin_not_allowed', message: expect.stringContaining('Origin'), trace_id: expect.any(String) },
  });
  for (const origin of ['https://game.example', app.url]) {
    const client = new WsClient(app.url, [], { origin });
    await client.enter('ada');
    client.close();
    await client.ended;
    await eventually(async () => expect(await users()).toEqual([]));
  }
});

async function users(): Promise<unknown> {
  const { body } = await request(`${app.url}/chat/users`);
  return ((await body.json()) as { users: unknown }).users;
}

test('a token in the URL is refused, whatever it is called; other paths are not found', async () => {
  const secret = 'eyJhbGciOi';
  const answer = await refused(`/chat/ws?token=${secret}`);
  expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
  expect(JSON.stringify(answer.body)).not.toContain(secret);
  expect((await refused('/chat/other')).status).toBe(404);
  const plain = await request(`${app.url}/chat/ws`);
  expect([plain.statusCode, plain.headers.upgrade]).toEqual([426, 'websocket']);
  await plain.body.dump();
});

test.each([
  ['a frame of more than 8 KiB', (socket: WebSocket) => socket.send('x'.repeat(8193)), 1009],
  ['a frame of more than 64 KiB', (socket: WebSocket) => socket.send('x'.repeat(100_000)), 1009],
  [
    'fragments of more than 8 KiB together',
    (socket: WebSocket) => {
      for (let i = 0; i < 9; i += 1) socket.send('x'.repeat(1000), { fin: i === 8 });
    },
    1009,
  ],
  ['bytes', (socket: WebSocket) => socket.send(Buffer.from('{"type":"users"}')), 1003],
  ['text that is no UTF-8', (socket: WebSocket) => socket.send(Buffer.from([0xc3, 0x28]), { binary: false }), 1007],
] as const)('%s ends the connection with the code that says so', async (_what, send, code) => {
  const [ada, bob] = [await entered('ada'), await entered('bob')];
  send(ada.socket);
  // It is not heard any more, whether or not it minds.
  ada.say('and yet');
  await ada.ended;
  expect(ada.code).toBe(code);
  await bob.hears('left');
  expect(bob.said()).toEqual([]);
  bob.say('still here');
  await bob.hears('message');
  bob.close();
  await bob.ended;
  await eventually(async () => expect(await users()).toEqual([]));
});

test.each([
  [
    'fragments are one frame',
    (socket: WebSocket) => {
      socket.send('{"type":"say",', { fin: false });
      socket.send('"text":"in two"}', { fin: true });
    },
    'message',
    { text: 'in two' },
  ],
  [
    'a frame of more than 4 KiB whose text is too long',
    (socket: WebSocket) => socket.send(JSON.stringify({ type: 'say', text: 'x'.repeat(5000) })),
    'error',
    { code: 'validation_failed', message: expect.stringContaining('text') },
  ],
  [
    '512 characters in the longest spelling that JSON has',
    (socket: WebSocket) => socket.send(`{"type":"say","text":"${'\\ud83d\\ude00'.repeat(512)}"}`),
    'message',
    { text: '\u{1F600}'.repeat(512) },
  ],
  ['what is no JSON', (socket: WebSocket) => socket.send('{"type":'), 'error', { code: 'malformed_json' }],
  ['a list', (socket: WebSocket) => socket.send('[]'), 'error', { code: 'validation_failed' }],
  [
    'a key twice',
    (socket: WebSocket) => socket.send('{"type":"say","text":"a","text":"b"}'),
    'error',
    { code: 'malformed_json' },
  ],
  [
    'an unknown field',
    (socket: WebSocket) => socket.send('{"type":"users","x":1}'),
    'error',
    { message: expect.stringContaining('x') },
  ],
] as const)('%s: answered in its place', async (_what, send, type, answer) => {
  const ada = await entered('ada');
  send(ada.socket);
  expect(await ada.hears(type)).toMatchObject(answer);
  ada.close();
  await ada.ended;
  await eventually(async () => expect(await users()).toEqual([]));
});

test('compression is not agreed to, so that there is nothing to unpack', async () => {
  const ada = await entered('ada');
  expect(ada.socket.extensions).toBe('');
  ada.close();
  await ada.ended;
});

test('more than fifty frames a second end the connection, as does no hello', async () => {
  const [ada, silent] = [await entered('ada'), new WsClient(app.url)];
  for (let i = 0; i < 60; i += 1) ada.send({ type: 'users' });
  await ada.ended;
  expect([ada.code, ada.of('error')[0]?.code]).toEqual([4029, 'slow_down']);
  await silent.ended;
  expect([silent.code, silent.of('bye')[0]?.code]).toEqual([4008, 'register_timeout']);
});

test('a peer that no longer answers pings is found', async () => {
  // A handshake by hand: what follows answers nothing.
  const socket = createConnection(Number(new URL(app.url).port), '127.0.0.1');
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  socket.write(
    `GET /chat/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once('data', resolve));
  const payload = Buffer.from('{"type":"hello","name":"ghost"}');
  const masked = Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
  socket.write(masked);
  await eventually(async () => expect(await users()).toEqual([{ name: 'ghost', room: 'lobby' }]));
  socket.resume();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await closed;
  await eventually(async () => expect(await users()).toEqual([]));
}, 60_000);
