import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { developmentSecret } from '../../src/client/signer';
import { developmentHmacSecret } from '../../src/shared/config/config.schema';
import { type AppProcess, ensureBuilt, startApp } from '../support/app';
import { randomEvents } from '../support/events';
import { refuseNobody } from '../support/fairness';
import { freePort } from '../support/processes';

const program = join(__dirname, '..', '..', 'dist', 'client', 'aerie.js');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function aerie(args: readonly string[], input = '', env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { cwd: tmpdir(), env });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdin.end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

let app: AppProcess;
let folder: string;

beforeAll(async () => {
  ensureBuilt();
  folder = mkdtempSync(join(tmpdir(), 'aerie-cli-'));
  app = await startApp();
  await refuseNobody(app.url);
});

afterAll(async () => {
  await app[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function fileOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe.each(['http', 'grpc'])('aerie over %s', (wire) => {
  const at = (): string[] => ['--url', wire === 'http' ? app.url : app.grpcUrl];
  const playerId = `cli-${wire}`;
  const occurredAt = new Date().toISOString();
  const kill = {
    id: `cli-kill-${wire}`,
    playerId,
    type: 'boss_kill',
    occurredAt,
    payload: { bossId: 'hydra', tier: 2, points: 900 },
  };

  it('sends JSON lines, and says of each that was not taken why', async () => {
    const lines = [JSON.stringify(kill), '', '{oops', '7', JSON.stringify({ ...kill, id: `bad-${wire}`, payload: {} })];
    const ended = await aerie([...at(), 'send', fileOf(`${wire}.jsonl`, lines.join('\n'))]);
    expect(ended.code).toBe(1);
    expect(ended.out).toContain('1 accepted, 0 duplicate, 3 rejected\n');
    expect(ended.out).toContain('rejected line 3: malformed_json: is not a JSON object\n');
    expect(ended.out).toContain('rejected line 4: malformed_json');
    expect(ended.out).toMatch(new RegExp(`rejected bad-${wire}: validation_failed: .*payload`));
  });

  it('sends an array, from a file or a pipe, as many batches as it takes', async () => {
    const events = randomEvents(1203, 3).map((event) => ({ ...event, playerId: `many-${wire}` }));
    const text = JSON.stringify([kill, ...events], null, 2);
    const piped = await aerie([...at(), 'send', '-'], text);
    expect(piped).toEqual({ code: 0, out: '1203 accepted, 1 duplicate, 0 rejected\n', err: '' });
    const again = await aerie([...at(), '--json', 'send', fileOf(`${wire}.json`, text)]);
    expect(JSON.parse(again.out)).toEqual({ accepted: 0, duplicate: 1204, rejected: 0, rejections: [] });
  });

  it('shows progress and rewards, claims and verifies', async () => {
    const progress = await aerie([...at(), 'progress', playerId]);
    expect(progress.out).toContain(`${playerId}: level 1, 900 XP (100 more for level 2)`);
    expect((await aerie([...at(), 'rewards', playerId])).out).toMatch(/boss-hydra +boss +available/);
    const claimed = await aerie([...at(), 'claim', playerId, 'boss-hydra']);
    expect(claimed).toMatchObject({ code: 0, err: 'Claimed; its receipt:\n' });
    const again = await aerie([...at(), 'claim', playerId, 'boss-hydra']);
    expect(again).toMatchObject({ code: 0, out: claimed.out });
    expect(again.err).toMatch(/^Claimed before/);
    const receipt = claimed.out.trim();
    expect(await aerie([...at(), 'verify', receipt])).toEqual({
      code: 0,
      out: `valid: boss-hydra of ${playerId}\n`,
      err: '',
    });
    const changed = `${receipt.slice(0, -2)}${receipt.endsWith('AA') ? 'BB' : 'AA'}`;
    expect(await aerie([...at(), 'verify', changed])).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^invalid: /) as string,
    });
  });

  it('lists dead letters', async () => {
    expect(await aerie([...at(), 'dead-letters'])).toEqual({ code: 0, out: 'No dead letters.\n', err: '' });
    const unknown = await aerie([...at(), 'dead-letters', '--redrive', '01M7YWEW53S2ZGJN43T38Z0ZT9']);
    expect(unknown).toMatchObject({ code: 1, err: expect.stringMatching(/^dead_letter_not_found: /) as string });
  });

  it('tells which processes there are, and how they are', async () => {
    const told = await aerie([...at(), 'status']);
    expect(told).toMatchObject({ code: 0, err: '' });
    const [headings = '', , own = '', ...rest] = told.out.split('\n');
    expect(headings).toMatch(/^process +address +version +up +runs +answers for +status$/);
    expect(own).toMatch(new RegExp(`/${app.pid} +\\(asked\\) +\\d+\\.\\d+\\.\\d+ .* leaderboard .* ready$`));
    expect(rest.join('\n')).toMatch(
      /consumer +in +events behind +seconds\n[- ]+\n(?:(?:leaderboard|progression|fairness) .*\n)+$/,
    );
    expect(told.out).toContain('\n\nIt knows of no other process: no <FEATURE>_URL is set there that names one.\n\n');
    const { processes, silent } = JSON.parse((await aerie([...at(), '--json', 'status'])).out);
    expect([processes.length, silent]).toEqual([1, []]);
  });

  it('tells an error in one line, and every refused field', async () => {
    const unknown = await aerie([...at(), 'progress', 'nobody']);
    expect(unknown).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/^player_not_found: .+\n$/) as string,
    });
    const both = await aerie([...at(), 'claim', '?', 'sword']);
    expect(both.err).toMatch(/^validation_failed: playerId: .+\n {2}rewardId: .+\n$/);
    expect(both.code).toBe(2);
    const forged = await aerie([...at(), '--secret', 'wrong', 'send', '-'], JSON.stringify(kill));
    expect(forged).toMatchObject({ code: 1, err: expect.stringMatching(/^signature_invalid: /) as string });
  });
});

describe('aerie', () => {
  it('reads a secret from a file', async () => {
    const secret = fileOf('secret', `${developmentSecret}\n`);
    const ended = await aerie(
      ['--url', app.url, '--secret', `@${secret}`, 'send', '-'],
      JSON.stringify(randomEvents(2)),
    );
    expect(ended.out).toBe('2 accepted, 0 duplicate, 0 rejected\n');
    expect((await aerie(['--secret', '@/nowhere', 'send', '-'])).err).toBe(
      'validation_failed: --secret: cannot read /nowhere (ENOENT)\n',
    );
  });

  it('says how to start the server when there is none', async () => {
    for (const scheme of ['http', 'grpc']) {
      const url = `${scheme}://127.0.0.1:${await freePort()}`;
      const ended = await aerie(['--url', url, 'demo']);
      expect(ended).toMatchObject({ code: 1, out: '' });
      expect(ended.err).toContain(`unavailable: nothing answers at ${url}. Start the server first: npm start\n`);
    }
  });

  it('says that who listens there speaks something else', async () => {
    const toHttp = app.url.replace('http:', 'grpc:');
    expect((await aerie(['--url', toHttp, 'progress', 'anybody'])).err).toBe(
      `unavailable: somebody listens at ${toHttp}, but no Aerie that speaks gRPC answers there. Is it the right port?\n`,
    );
    const toGrpc = app.grpcUrl.replace('grpc:', 'http:');
    expect((await aerie(['--url', toGrpc, 'progress', 'anybody'])).err).toMatch(
      /^internal: http:.* gave an answer that makes no sense \(.*HTTP.*\)\. Is Aerie there\?\n$/,
    );
  });

  it('names --token and AERIE_TOKEN where a token is missing, and not where it is wrong', async () => {
    await using asking = await startApp({ env: { AUTH_REQUIRED: 'true' } });
    for (const url of [asking.url, asking.grpcUrl]) {
      const without = await aerie(['--url', url, 'stats']);
      expect(without).toMatchObject({ code: 1, err: expect.stringMatching(/--token or AERIE_TOKEN\n$/) as string });
      const wrong = await aerie(['--url', url, '--token', 'wrong', 'stats']);
      expect([wrong.code, wrong.err]).toEqual([1, expect.not.stringContaining('--token')]);
    }
  });

  it('says that a file is missing or a directory', async () => {
    expect(await aerie(['send', '/nowhere'])).toMatchObject({
      code: 2,
      err: 'validation_failed: file: cannot read /nowhere (ENOENT)\n',
    });
    expect(await aerie(['send', folder])).toMatchObject({
      code: 2,
      err: `validation_failed: file: ${folder} is a directory\n`,
    });
  });

  it.each([[['fly']], [['progress']], [['--url', 'ftp://x', 'demo']], [['demo', '--fast']], [[]]])(
    'ends with 2 for %j',
    async (args) => {
      expect(await aerie(args)).toMatchObject({ code: 2, out: '' });
    },
  );

  it('helps', async () => {
    expect(await aerie(['--help'])).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringContaining('claim <playerId> <rewardId>') as string,
    });
  });

  it('signs with AERIE_SECRET, unless that is empty or --secret says another', async () => {
    const send = (env: Record<string, string>, ...args: readonly string[]): Promise<Ended> =>
      aerie(['--url', app.url, ...args, 'send', '-'], JSON.stringify(randomEvents(1, 1)[0]), env);
    const wrong = { AERIE_SECRET: 'the-secret-of-another-server-altogether' };
    expect((await send(wrong)).err).toContain('signature_invalid');
    expect((await send(wrong, '--secret', developmentSecret)).out).toContain('1 accepted');
    expect((await send({ AERIE_SECRET: '' })).out).toContain('1 accepted');
  });

  it('knows the secret of development', () => {
    expect(developmentSecret).toBe(developmentHmacSecret);
  });

  it('demonstrates, and counts nothing twice the second time', async () => {
    const [first, second, fresh] = [
      await aerie(['--url', app.url, 'demo']),
      await aerie(['--url', app.grpcUrl, 'demo']),
      await aerie(['--url', app.url, 'demo', '--fresh']),
    ];
    expect(first.code).toBe(0);
    expect(first.out).toMatch(/^24 accepted, 0 duplicate\n/);
    expect(first.out).toMatch(/celeste +17 +16830 +3 +2 /);
    expect(first.out).toMatch(/\nLeaderboard\nweekly \d{4}-W\d\d, open, \d+ players\n\nrank +player +score +since\n/);
    expect(first.out).toMatch(
      /Claimed boss-frost-queen for celeste; its receipt, verified:\n[\w-]+\.[\w-]+\.[\w-]+\n$/,
    );
    expect(second.out).toMatch(/^0 accepted, 24 duplicate\n/);
    expect(second.out.slice(second.out.indexOf('\nplayer'))).toBe(first.out.slice(first.out.indexOf('\nplayer')));
    expect(fresh.out).toMatch(/^24 accepted, 0 duplicate\n/);
    expect(fresh.out).toMatch(/celeste +\d+ +33660 +6 +2 /);
  });
});
