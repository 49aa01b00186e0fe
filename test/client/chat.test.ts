import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AerieClient } from '../../src/client/client';
import type { ServerFrame } from '../../src/generated/aerie/chat/v1/chat';
import { type AppProcess, ensureBuilt, startApp } from '../support/app';
import { eventually } from '../support/eventually';
import { freePort } from '../support/processes';
import { startChatProxy } from './chat-server';

// `aerie chat` as a script uses it, against the real application on both wires.

const program = join(__dirname, '..', '..', 'dist', 'client', 'aerie.js');
let app: AppProcess;

beforeAll(async () => {
  ensureBuilt();
  app = await startApp();
});

afterAll(() => app[Symbol.asyncDispose]());

/** The command with what it has printed; standard input stays open until `end`. */
class Talker {
  out = '';
  err = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(args: readonly string[], env: Record<string, string> = {}, isTerminal = false) {
    const command = [process.execPath, program, ...args];
    const [file, ...rest] = isTerminal ? ['script', '-qefc', command.join(' '), '/dev/null'] : command;
    this.child = spawn(file as string, rest, { cwd: tmpdir(), env });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.err += chunk.toString();
    });
    this.ended = new Promise((resolve) => this.child.once('close', (code) => resolve(code)));
  }

  type(lines: string): this {
    this.child.stdin?.write(lines);
    return this;
  }

  end(lines = ''): Promise<number | null> {
    this.child.stdin?.end(lines);
    return this.ended;
  }

  /** What others said, without the time. */
  get heard(): string[] {
    return this.out.split('\n').flatMap((line) => /^\d\d:\d\d:\d\d (.*)$/.exec(line)?.[1] ?? []);
  }

  async sees(text: string): Promise<void> {
    await eventually(async () => expect(this.out).toContain(text));
  }
}

describe.each(['http', 'grpc'] as const)('aerie chat over %s', (wire) => {
  const urlOf = (port: number): string => `${wire}://127.0.0.1:${port}`;
  const portOf = (): number => Number(new URL(wire === 'http' ? app.url : app.grpcUrl).port);
  const talker = (name: string, room: string, port = portOf()): Talker =>
    new Talker(['--url', urlOf(port), 'chat', '--name', name, '--room', room]);

  test('a script says more than may be said in a second, and all of it is heard in order', async () => {
    const room = `script-${wire}`;
    const bob = talker('bob', room);
    await bob.sees('You are bob');
    const lines = Array.from({ length: 25 }, (_, i) => `line ${i}`);
    const ada = talker('ada', room);
    expect(await ada.end(`${lines.join('\n')}\n/w bob psst\n/users\nlast`)).toBe(0);
    const all = [...lines.map((line) => `ada: ${line}`), 'ada: last'];
    expect(ada.heard.filter((line) => line.startsWith('ada: '))).toEqual(all);
    expect([ada.err, ada.out]).toEqual(['', expect.stringContaining(`-- In ${room}: ada, bob\n`)]);
    await bob.sees('-- ada left');
    expect(bob.heard.filter((line) => line.startsWith('ada: '))).toEqual(all);
    expect(bob.heard).toContain('ada whispers: psst');
    expect(ada.heard).toContain('you whisper to bob: psst');
    bob.child.kill('SIGINT');
    expect(await bob.ended).toBe(0);
  });

  test('what the server refuses is said in words, and the script ends with 1', async () => {
    const room = `refused-${wire}`;
    const ada = talker('ada', room);
    expect(await ada.end(`/w nobody hi\n/shout\na\tb\n/join ${room}-b\nthere\n`)).toBe(1);
    expect(ada.err).toMatch(/^There is no command \/shout; .*$/m);
    expect(ada.err).toMatch(/^user_not_found: Nobody is here by that name$/m);
    expect(ada.err).toMatch(/^validation_failed: text: .*$/m);
    expect(ada.out).toContain(`-- You are in ${room}-b.`);
    expect(ada.heard).toEqual(['ada: there']);
  });

  test('a name that somebody has ends it with 1, and one that is none with 2', async () => {
    const bob = talker('bob', 'names');
    await bob.sees('You are bob');
    const [other, none, nameless] = [
      talker('BOB', 'names'),
      talker('a b', 'names'),
      new Talker(['--url', urlOf(portOf()), 'chat']),
    ];
    expect(await other.end('hi\n')).toBe(1);
    for (const client of [none, nameless]) expect(await client.end('hi\n')).toBe(2);
    expect(other.err).toMatch(/^username_taken: Somebody else has this name$/m);
    expect(none.err).toMatch(/^username_invalid: /m);
    expect(nameless.err).toBe('validation_failed: --name: is required without a token\n');
    expect(await bob.end()).toBe(0);
  });

  test('with a token the name is the account; JSON is a frame a line', async () => {
    await using client = new AerieClient({ url: app.url });
    const person = { name: `Cy ${wire}`, email: `cy-${wire}@example.com`, password: 'correct horse' };
    const { accessToken } = await client.auth.register(person);
    const cy = new Talker(['--url', urlOf(portOf()), '--json', 'chat'], { AERIE_TOKEN: accessToken });
    expect(await cy.end('hi\n')).toBe(0);
    const frames = cy.out.split('\n').flatMap((line) => (line === '' ? [] : (JSON.parse(line) as ServerFrame)));
    expect(frames.map(({ type }) => type)).toEqual(['welcome', 'message', 'bye']);
    expect(frames[1]).toMatchObject({ from: `Cy_${wire}`, text: 'hi' });
    const wrong = new Talker(['--url', urlOf(portOf()), '--token', 'x.y.z', 'chat']);
    expect(await wrong.end()).toBe(1);
    expect(wrong.err).toMatch(/^token_invalid: /);
  });

  test('over lost connections nothing is said or shown twice, and nothing is lost', async () => {
    const room = `lost-${wire}`;
    const bob = talker('bob', room);
    await bob.sees('You are bob');
    await using proxy = await startChatProxy(portOf());
    const ada = talker('ada', room, proxy.port);
    await ada.sees('You are ada');
    ada.type('one\n');
    await bob.sees('ada: one');
    await ada.sees('ada: one');
    // It is said, and she does not hear that.
    proxy.silence();
    ada.type('two\nthree\n');
    await bob.sees('ada: two');
    bob.type('meanwhile\n');
    await bob.sees('bob: meanwhile');
    proxy.cut();
    await ada.sees('ada: three');
    proxy.cut();
    bob.type('at last\n');
    await ada.sees('bob: at last');
    expect(await ada.end('four\n')).toBe(0);
    await bob.sees('ada: four');
    expect(await bob.end()).toBe(0);
    const said = (client: Talker): string[] => client.heard.filter((line) => line.includes(': '));
    expect(said(bob)).toEqual(['ada: one', 'ada: two', 'bob: meanwhile', 'ada: three', 'bob: at last', 'ada: four']);
    expect(said(ada)).toEqual(said(bob));
    expect(ada.err).toContain('-- The connection is lost; connecting again ...\n-- Connected again.\n');
  });

  test('it waits for a server that is started again', async () => {
    const port = await freePort();
    const env = { [wire === 'http' ? 'HTTP_PORT' : 'GRPC_PORT']: `${port}` };
    const first = await startApp({ env });
    const ada = talker('ada', 'lobby', port);
    try {
      await ada.sees('You are ada');
      expect(await first.stop()).toBe(0);
      await ada.sees('-- The server is going down');
      ada.type('after all\n');
    } finally {
      await first[Symbol.asyncDispose]();
    }
    await using _second = await startApp({ env });
    await ada.sees('ada: after all');
    expect(await ada.end()).toBe(0);
    expect(ada.heard).toEqual(['ada: after all']);
  });
});

test('a person at a terminal is asked for a name', async () => {
  // Debian's `script` gives the command a terminal.
  const terminal = (): Talker => {
    const env = { PATH: process.env.PATH ?? '', TERM: 'dumb' };
    return new Talker(['--url', app.url, 'chat', '--room', 'asked'], env, true);
  };
  const [ada, nobody] = [terminal(), terminal()];
  for (const person of [ada, nobody]) await person.sees('Your name: ');
  ada.type('ada\r');
  await ada.sees('You are ada');
  ada.type('hello\r');
  await ada.sees('ada: hello');
  ada.type('/exit\r');
  expect(await ada.ended).toBe(0);
  nobody.type(' \r');
  expect(await nobody.ended).toBe(2);
  expect(nobody.out).toContain('validation_failed: --name: is required without a token');
});

test('who cannot be reached, or listens for something else, is told as by every command', async () => {
  const nobody = new Talker(['--url', `http://127.0.0.1:${await freePort()}`, 'chat', '--name', 'ada']);
  expect(await nobody.end('hi\n')).toBe(1);
  expect(nobody.err).toMatch(/unavailable: nothing answers at http:.*\. Start the server first: npm start\n$/);
  const tcp = new Talker(['--url', `http://127.0.0.1:${app.chatPort}`, 'chat', '--name', 'ada']);
  expect(await tcp.end('hi\n')).toBe(1);
  expect(tcp.err).toMatch(/^unavailable: somebody listens at .*, but no Aerie that speaks HTTP/m);
  const usage = new Talker(['chat', '--nick', 'ada']);
  expect(await usage.end()).toBe(2);
});
