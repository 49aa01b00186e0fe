import { connect as connectTls } from 'node:tls';
import { request } from 'undici';
import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp, type TestApp } from '../../support/wires';
import { GrpcClient, TcpClient, WsClient } from './clients';

// The promise: the line protocol, byte for byte, as a plain socket sees it.

let app: TestApp;
let close: () => Promise<void>;
const clients: { close(): void }[] = [];

beforeAll(async () => {
  const database = await everyDatabase[0]!.create();
  app = await openApp(database.url, { CHAT_PORT: '0' });
  close = async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  };
});

afterAll(() => close());

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await eventually(async () => expect(await users()).toEqual([]));
});

async function users(): Promise<string[]> {
  const { body } = await request(`${app.url}/chat/users?pageSize=100`);
  return ((await body.json()) as { users: { name: string }[] }).users.map(({ name }) => name);
}

function tcp(options: { readonly allowHalfOpen?: boolean } = {}): TcpClient {
  const client = new TcpClient(app.ports.chat as number, options);
  clients.push(client);
  return client;
}

async function entered(name: string): Promise<TcpClient> {
  const client = tcp();
  await client.enter(name);
  client.clear();
  return client;
}

test('a conversation of two, byte for byte', async () => {
  const ada = tcp();
  ada.send('ada\n');
  await ada.hears('OK');
  const bob = tcp();
  bob.send('bob\r\n');
  await bob.hears('OK');
  await ada.hears('SYSTEM: bob joined');
  ada.send('hello\n');
  await bob.hears('ada: hello');
  bob.send('/w ada psst, you\r\n');
  await bob.hears('WHISPER to ada: psst, you');
  bob.send('/users\n');
  await bob.hears('USERS: ada,bob');
  bob.send('/exit\n');
  await bob.ended;
  await ada.hears('SYSTEM: bob left');
  expect(ada.all).toBe(
    [
      'Enter username:',
      'OK',
      'SYSTEM: bob joined',
      'ada: hello',
      'WHISPER bob: psst, you',
      'SYSTEM: bob left',
      '',
    ].join('\n'),
  );
  expect(bob.all).toBe(
    ['Enter username:', 'OK', 'ada: hello', 'WHISPER to ada: psst, you', 'USERS: ada,bob', 'Bye', ''].join('\n'),
  );
});

test.each([
  ['', 'username_invalid'],
  ['   ', 'username_invalid'],
  ['a name', 'username_invalid'],
  ['seventeen-letters', 'username_invalid'],
  ['a,b', 'username_invalid'],
  ['-_-', 'username_invalid'],
  ['a\u0007b', 'username_invalid'],
  ['zero\u200Bwidth', 'username_invalid'],
  ['\u0301a', 'username_invalid'],
  ['SYSTEM', 'username_invalid'],
  ['system', 'username_invalid'],
  // Cyrillic and fullwidth letters that look like it.
  ['\u0405\u0423\u0405\u0422\u0415\u041C', 'username_invalid'],
  ['\uFF33\uFF39\uFF33\uFF34\uFF25\uFF2D', 'username_invalid'],
  ['Users', 'username_invalid'],
  // Latin with a Cyrillic a.
  ['\u0430da', 'username_invalid'],
  // Latin with a letter of Lisu and of Cherokee, all of it in Cherokee, with a letter that is drawn as a colon, with marks.
  ['SYST\uA4F0M', 'username_invalid'],
  ['SYST\u13ACM', 'username_invalid'],
  ['\u13DA\u13A9\u13DA\u13A2\u13AC\u13B7', 'username_invalid'],
  ['SYSTEM\u02D0', 'username_invalid'],
  ['SYSTE\u1E42', 'username_invalid'],
  ['U\u1E63ERS', 'username_invalid'],
])('the name %j is refused as %s, and another may be tried', async (name, code) => {
  const client = tcp();
  client.send(`${name}\n`);
  await client.hears(`ERR ${code}`);
  client.send('ada\n');
  await client.hears('OK');
  expect(client.all).toBe(`Enter username:\nERR ${code}\nOK\n`);
});

test.each([
  ['sixteen-letters_'],
  ['\u0410\u0434\u0430'],
  ['\u5F81\u670D\u8005'],
  ['\u0939\u093F\u0928\u094D\u0926\u0940'],
  ['\u0623\u062D\u0645\u062F'],
  ['7'],
  // As many are called: Latin and Hangul, Latin and Kanji, a Cherokee word.
  ['Kim\uBBFC\uC218'],
  ['neo\u6226\u58EB'],
  ['\u13E3\u13B3\u13A9'],
])('the name %j is a name', async (name) => {
  const client = tcp();
  client.send(`${name}\n`);
  await client.hears('OK');
  expect(await users()).toEqual([name]);
});

test.each([
  ['ada', 'ADA', 'by case'],
  ['ada', '\uFF41\uFF44\uFF41', 'by width'],
  ['Jos\u00E9', 'Jose\u0301', 'NFC and NFD'],
  ['\uD55C\uAE00', '\u1112\u1161\u11AB\u1100\u1173\u11AF', 'syllables and jamo'],
  ['\u03A3\u03AF\u03C3\u03C5\u03C6\u03BF\u03C2', '\u03A3\u03AF\u03C3\u03C5\u03C6\u03BF\u03C3', 'both small sigmas'],
])('%j is taken by %j (%s), on every wire', async (first, second) => {
  await entered(first);
  const other = tcp();
  other.send(`${second}\n`);
  await other.hears('ERR username_taken');
  const ws = new WsClient(app.url);
  clients.push(ws);
  await ws.opened;
  ws.send({ type: 'hello', name: second });
  expect(await ws.hears('error')).toMatchObject({ code: 'username_taken' });
  const grpc = new GrpcClient(app.grpcAddress);
  clients.push(grpc);
  grpc.send({ type: 'hello', name: second });
  expect(await grpc.hears('error')).toMatchObject({ code: 'username_taken' });
  await grpc.enter('grpc-client');
  other.send('grpc-CLIENT\n');
  await eventually(async () => expect(other.lines.filter((line) => line === 'ERR username_taken')).toHaveLength(2));
});

test.each([
  ['/w', 'ERR whisper_usage'],
  ['/w bob', 'ERR whisper_usage'],
  ['/w   ', 'ERR whisper_usage'],
  ['/w nobody hello', 'ERR user_not_found'],
  ['/w a,b hello', 'ERR user_not_found'],
  ['/w ada hello', 'ERR cannot_whisper_self'],
  ['/w ADA hello', 'ERR cannot_whisper_self'],
  ['/x', 'ERR unknown_command'],
  ['/', 'ERR unknown_command'],
  ['/usersx', 'ERR unknown_command'],
  ['/join', 'ERR join_usage'],
  ['/join a b', 'ERR join_usage'],
  ['a\u0007b', 'ERR invalid_text'],
  ['a\u2028b', 'ERR invalid_text'],
  ['a\rb', 'ERR invalid_text'],
])('%j is answered %j, and the conversation goes on', async (line, answer) => {
  const ada = await entered('ada');
  ada.send(`${line}\n`);
  await ada.hears(answer);
  ada.send('still here\n');
  await ada.hears('ada: still here');
  expect(ada.all).toBe(`${answer}\nada: still here\n`);
});

test('bytes that are no UTF-8 are refused; empty lines say nothing', async () => {
  const ada = await entered('ada');
  ada.send(Buffer.from([0xc3, 0x28, 0x0a]));
  await ada.hears('ERR invalid_text');
  ada.send('\n  \n\r\nhi\n');
  await ada.hears('ada: hi');
  expect(ada.all).toBe('ERR invalid_text\nada: hi\n');
});

test('characters in several segments are one character', async () => {
  const ada = await entered('ada');
  for (const byte of Buffer.from('\u5F81\u{1F600} caf\u00E9\n')) {
    ada.send(Buffer.from([byte]));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await ada.hears('ada: \u5F81\u{1F600} caf\u00E9');
});

test('text is composed, and cut after 512 characters, never within one', async () => {
  const ada = await entered('ada');
  ada.send(`cafe\u0301\n${'\u{1F600}'.repeat(600)}\n`);
  await ada.hears('ada: caf\u00E9');
  await ada.hears(`ada: ${'\u{1F600}'.repeat(512)}`);
});

test('a line of 4096 bytes is taken, a longer one ends the connection, also without its end', async () => {
  const ada = await entered('ada');
  ada.send(`${'x'.repeat(4096)}\n`);
  await ada.hears(`ada: ${'x'.repeat(512)}`);
  ada.send(`${'y'.repeat(4096)}\r`);
  ada.send('\n');
  await ada.hears(`ada: ${'y'.repeat(512)}`);
  ada.clear();
  ada.send(`${'x'.repeat(4097)}\n`);
  await ada.ended;
  expect(ada.lines).toEqual(['ERR line_too_long', expect.stringMatching(/^SYSTEM: /), 'Bye']);
  const eve = await entered('eve');
  for (let i = 0; i < 5; i += 1) eve.send('x'.repeat(1000));
  await eve.ended;
  expect(eve.lines[0]).toBe('ERR line_too_long');
});

test('more than ten lines a second are too many, fifty end the connection', async () => {
  const ada = await entered('ada');
  // The line with the name counts, too.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  ada.send('x\n'.repeat(12));
  await eventually(async () => expect(ada.lines).toHaveLength(12));
  expect(ada.lines).toEqual([...Array(10).fill('ada: x'), 'ERR slow_down', 'ERR slow_down']);
  const eve = await entered('eve');
  await new Promise((resolve) => setTimeout(resolve, 1100));
  eve.send('x\n'.repeat(60));
  await eve.ended;
  expect(eve.lines.filter((line) => line === 'eve: x')).toHaveLength(10);
  expect(eve.lines.at(-1)).toBe('Bye');
});

test('whoever says nothing for ten seconds is sent away; whoever has a name may be silent', async () => {
  const ada = await entered('ada');
  const silent = tcp();
  await silent.ended;
  expect(silent.lines).toEqual(['Enter username:', 'SYSTEM: Say who you are within 10 seconds', 'Bye']);
  ada.send('here\n');
  await ada.hears('ada: here');
});

test('an HTTP request and a TLS hello get an answer that says what this port is', async () => {
  const http = tcp();
  http.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await http.ended;
  expect(http.all).toMatch(/HTTP\/1\.1 400 Bad Request\r\n[\s\S]*This port speaks chat lines\.\n$/);
  const tls = connectTls({ host: '127.0.0.1', port: app.ports.chat as number });
  const error = await new Promise<Error>((resolve) => tls.once('error', resolve));
  expect(String(error)).toMatch(/wrong version number|packet length|ECONNRESET|EPROTO/);
  tls.destroy();
});

test('a half-closed client still reads what it asked for; a lost one leaves', async () => {
  const ada = await entered('ada');
  const bob = tcp({ allowHalfOpen: true });
  bob.socket.end('bob\nlast words\n/users\nhalf a line');
  await bob.ended;
  expect(bob.lines).toEqual(['Enter username:', 'OK', 'bob: last words', 'USERS: ada,bob', 'Bye']);
  await ada.hears('SYSTEM: bob left');
  const eve = await entered('eve');
  eve.socket.resetAndDestroy();
  await ada.hears('SYSTEM: eve left');
});

test('rooms: /join, and nobody hears another room', async () => {
  const [ada, bob] = [await entered('ada'), await entered('bob')];
  bob.send('/join Arena\n');
  await bob.hears('SYSTEM: you are in arena');
  await ada.hears('SYSTEM: bob left');
  bob.send('anybody?\n/users\n');
  await bob.hears('USERS: bob');
  ada.send('lobby talk\n');
  await ada.hears('ada: lobby talk');
  bob.send('/join lobby\n');
  await ada.hears('SYSTEM: bob joined');
  await bob.hears('SYSTEM: you are in lobby');
  expect(bob.all).toBe('SYSTEM: you are in arena\nbob: anybody?\nUSERS: bob\nSYSTEM: you are in lobby\n');
});

test('a hundred names a page, in order', async () => {
  const all = await Promise.all(Array.from({ length: 101 }, (_, i) => entered(`u${String(i).padStart(3, '0')}`)));
  const first = all[0] as TcpClient;
  first.clear();
  first.send('/users\n');
  await eventually(async () => expect(first.all).toMatch(/^USERS: /m));
  const names = /^USERS: (.*)$/m.exec(first.all)?.[1]?.split(',') ?? [];
  expect([names.length, names[0], names[99]]).toEqual([100, 'u000', 'u099']);
  await first.hears('SYSTEM: more by /users u099');
  first.clear();
  first.send('/users u099\n');
  await first.hears('USERS: u100');
});
