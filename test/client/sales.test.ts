import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reservation, Sale } from '../../src/generated/aerie/reservations/v1/reservations';
import { type AppProcess, startApp } from '../support/app';
import { eventually } from '../support/eventually';

// A sale as somebody at the command line makes it, buys from it and audits it.

const program = join(__dirname, '..', '..', 'dist', 'client', 'aerie.js');
interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let app: AppProcess;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app[Symbol.asyncDispose]());

describe.each(['http', 'grpc'])('over %s', (wire) => {
  const saleId = `sale-${wire}`;

  function aerie(...args: string[]): Promise<Ended> {
    return aerieIn({}, ...args);
  }

  function aerieIn(env: Record<string, string>, ...args: string[]): Promise<Ended> {
    const url = wire === 'http' ? app.url : app.grpcUrl;
    const child = spawn(process.execPath, [program, '--url', url, ...args], { cwd: tmpdir(), env });
    const ended = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      ended.out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      ended.err += chunk.toString();
    });
    return new Promise((resolve) => child.once('close', (code) => resolve({ ...ended, code })));
  }

  const held = async (...args: string[]): Promise<Reservation> =>
    JSON.parse((await aerie('--json', 'reserve', saleId, ...args)).out) as Reservation;

  test('made, shown, bought from, audited', async () => {
    const sections = ['floor:4900:10', 'box:9900:A1,A2', 'gift:0:5'].flatMap((section) => ['--section', section]);
    const made = await aerie('sale', 'create', saleId, '--title', 'A sale', ...sections);
    expect([made.code, made.out]).toEqual([0, expect.stringMatching(new RegExp(`${saleId} +A sale +open`))]);
    expect((await aerie('sale', 'list')).out).toContain(saleId);
    const { id } = await held('box', '--seats', 'A1');
    const paid = await aerie('pay', id, '--method', 'approve');
    expect([paid.code, paid.err]).toEqual([0, expect.stringContaining('Confirmed; the ticket of')]);
    const ticket = await aerie('ticket', paid.out.trim());
    expect([ticket.code, ticket.out]).toEqual([0, expect.stringContaining(`valid: ${saleId}`)]);
    const gift = await aerie('pay', (await held('gift', '--quantity', '2')).id);
    expect([gift.code, gift.err]).toEqual([0, expect.stringContaining('Confirmed')]);
    const failed = await aerie('pay', (await held('floor')).id, '--method', 'fail');
    expect([failed.code, failed.err, failed.out]).toEqual([1, expect.stringContaining('is failed'), '']);
    const shown = await aerie('sale', 'show', saleId);
    expect(shown.out).toMatch(/floor +4900 +10 +9 +1 +0 +0\n/);
    expect(shown.out).toMatch(/box +9900 +2 +1 +0 +1 +0\n/);
    const audit = await aerie('sale', 'audit', saleId);
    expect([audit.code, audit.out]).toEqual([0, expect.stringContaining('Everything is as it must be.')]);
    expect((await aerie('ticket', 'forged')).out).toBe('invalid: malformed\n');
  });

  test('a sale with a waiting room: joined, called, entered, bought from', async () => {
    const room = `room-${wire}`;
    const section = ['--section', 'gift:0:5', '--active-places', '2'];
    expect((await aerie('sale', 'create', room, '--title', 'A room', ...section)).code).toBe(0);
    const ticket = (await aerie('queue', 'join', room)).out.trim();
    await eventually(async () => expect((await aerie('queue', 'status', ticket)).out).toMatch(/^ready, 0 ahead/));
    const entered = await aerie('queue', 'enter', ticket);
    expect([entered.code, entered.err]).toEqual([0, expect.stringContaining('the grant:')]);
    const reserved = await aerie('--json', 'reserve', room, 'gift', '--grant', entered.out.trim());
    expect((await aerie('pay', (JSON.parse(reserved.out) as Reservation).id)).code).toBe(0);
    expect((await aerie('queue', 'stats', room)).out).toMatch(/^places +taken +waiting/);
    expect((await aerie('queue', 'draw', room)).out).toMatch(/^SHA-256 of the seed [0-9a-f]{64}\nnot drawn yet\n$/);
    expect((await aerie('queue', 'leave', ticket)).out).toMatch(/^(done|admitted)\n$/);
  });

  test('each word of a waiting room makes one, and the help says what is required', async () => {
    const help = (await aerie('sale', 'create', '--help')).out.replace(/\s+/g, ' ');
    for (const option of ['--title <title>', '--section <section...>'])
      expect(help).toMatch(new RegExp(`${option.replaceAll('.', '\\.')} [^-]*\\(required\\)`));
    const make = async (name: string, ...args: string[]): Promise<Sale> => {
      const title = ['--title', 'A room', '--section', 'gift:0:5'];
      return JSON.parse((await aerie('--json', 'sale', 'create', `${name}-${wire}`, ...title, ...args)).out) as Sale;
    };
    const [opens, drawn, closes] = ['2099-01-01', '2099-01-02', '2099-01-03'].map((day) => `${day}T00:00:00.000Z`);
    const times = ['--room-opens-at', `${opens}`, '--draw-at', `${drawn}`, '--closes-at', `${closes}`];
    const seconds = ['--ready-seconds', '40', '--grant-seconds', '50', '--silence-seconds', '70'];
    expect(await make('worded', ...times, ...seconds, '--active-places', '7')).toMatchObject({
      closesAt: closes,
      queue: {
        ...{ activePlaces: 7, readySeconds: 40, grantSeconds: 50, silenceSeconds: 70 },
        ...{ opensAt: opens, drawAt: drawn },
      },
    });
    expect((await make('silent', '--silence-seconds', '70')).queue).toMatchObject({
      silenceSeconds: 70,
      activePlaces: 100,
    });
    expect((await make('plain')).queue).toBeUndefined();
  });

  test('an empty AERIE_TOKEN is none', async () => {
    const reserve = ['reserve', 'no-such-sale', 'floor'];
    expect((await aerieIn({ AERIE_TOKEN: '' }, ...reserve)).err).toContain('sale_not_found');
    expect((await aerieIn({ AERIE_TOKEN: 'wrong' }, ...reserve)).err).toContain('token_invalid');
  });

  test('what cannot be had is told in one line, with the exit code', async () => {
    const wrong = await aerie('sale', 'create', 'other-sale', '--title', 'x', '--section', 'floor');
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('validation_failed: section: must be')]);
    const gone = await aerie('reserve', 'no-such-sale', 'floor');
    expect([gone.code, gone.err]).toEqual([1, 'sale_not_found: There is no sale no-such-sale\n']);
    const unasked = await aerie('sale', 'state', saleId, 'closed');
    expect([unasked.code, unasked.err]).toEqual([
      2,
      `validation_failed: --yes: is needed where nobody can be asked. Close ${saleId} for ever? It cannot be opened again.\n`,
    ]);
    expect((await aerie('sale', 'show', saleId)).out).not.toContain('closed');
    expect((await aerie('sale', '--help')).out).toMatch(/closed is final/);
    expect((await aerie('sale', 'state', saleId, 'closed', '--yes')).code).toBe(0);
    expect((await aerie('reserve', saleId, 'floor')).err).toBe('sale_closed: The sale is over\n');
  });
});
