import { lineOf, meaningOf, printable, printableFrame } from '../../src/client/chat-words';

test.each([
  ['hello', { type: 'say', text: 'hello' }],
  ['  hello  ', { type: 'say', text: 'hello' }],
  ['/w bob  how are you', { type: 'whisper', to: 'bob', text: 'how are you' }],
  ['/users', { type: 'users' }],
  ['/join Blue', { type: 'join', room: 'Blue' }],
  ['/exit', { type: 'exit' }],
  ['\u{1F600}'.repeat(512), { type: 'say' }],
])('%j is something to send', (line, frame) => {
  expect(meaningOf(line)).toMatchObject({ frame });
});

test.each([
  ['/w bob', /\/w <name> <text>/],
  ['/w', /\/w <name> <text>/],
  [`/w ${'b'.repeat(65)} x`, /so long a name/],
  ['/join', /\/join <room>/],
  ['/join a b', /\/join <room>/],
  ['/us\u001B[2Jers', /no command \/us\uFFFD\[2Jers/],
  ['x'.repeat(513), /at most 512 characters, and this one has 513/],
])('%j is a mistake', (line, words) => {
  expect(meaningOf(line)).toMatchObject({ wrong: true, words: [expect.stringMatching(words)] });
});

test('each message has an id of its own, and an empty line is none', () => {
  const [one, two] = [meaningOf('a'), meaningOf('a')] as { frame: { id: string } }[];
  expect(one?.frame.id).not.toBe(two?.frame.id);
  expect(meaningOf(' \t ')).toBeUndefined();
});

test('nothing of a stranger moves the cursor', () => {
  const wild = 'a\u001B[2J\u009B1A\r\n\u0007\u007F\u202Eb\u2066\u{1F469}\u200D\u{1F680}';
  expect(printable(wild)).toBe('a\uFFFD[2J\uFFFD1A\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDb\uFFFD\u{1F469}\u200D\u{1F680}');
  const frame = { type: 'message', from: wild, text: wild, room: wild, users: [wild], userIds: [] };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(JSON.stringify(printableFrame(frame))).not.toMatch(/\\u00[01]|[\u0000-\u001F\u007F-\u009F]|\\[rn]/);
});

const at = '2026-11-27T12:00:00.000Z';
const time = new Date(at).toTimeString().slice(0, 8);

test.each([
  [{ type: 'welcome', name: 'ada', room: 'lobby', count: 2 }, /You are ada, in lobby.* 2 earlier messages are gone\.$/],
  [{ type: 'room', room: 'blue' }, /^-- You are in blue\.$/],
  [{ type: 'room', room: 'blue', reset: true }, /counts anew/],
  [{ type: 'message', from: 'bob', text: 'hi', at }, `${time} bob: hi`],
  [{ type: 'message', from: 'bob', text: '', at, deleted: true }, `${time} bob: (deleted)`],
  [{ type: 'whisper', from: 'bob', to: 'ada', text: 'hi', at }, `${time} bob whispers: hi`],
  [{ type: 'whisper', from: 'ada', to: 'bob', text: 'hi', at, own: true }, `${time} you whisper to bob: hi`],
  [{ type: 'joined', name: 'bob' }, '-- bob joined'],
  [{ type: 'missed', count: 3, messages: 1 }, /Missed 3, of these 1 message:/],
  [{ type: 'users', room: 'lobby', users: ['a', 'b'], more: true }, '-- In lobby: a, b, ...'],
  [{ type: 'bye', code: 'shutdown', message: 'The server is going down' }, '-- The server is going down'],
])('%j in words', (frame, words) => {
  const line = lineOf({ users: [], userIds: [], ...frame });
  if (typeof words === 'string') expect(line).toBe(words);
  else expect(line).toMatch(words);
});

test('nobody is told what is no news', () => {
  expect(lineOf({ type: 'said', users: [], userIds: [] })).toBeUndefined();
  expect(lineOf({ type: 'bye', code: 'exit', users: [], userIds: [] })).toBeUndefined();
});
