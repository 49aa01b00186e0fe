import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AerieClient } from '../../src/client/client';
import { developmentSecret } from '../../src/client/signer';
import type { Flag } from '../../src/generated/aerie/fairness/v1/fairness';
import { type AppProcess, startApp } from '../support/app';
import { eventually } from '../support/eventually';

// What an operator does at the command line: flags, blocks, rules, dead letters, seats that are kept back, the numbers.

const program = join(__dirname, '..', '..', 'dist', 'client', 'aerie.js');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let app: AppProcess;
let client: AerieClient;

beforeAll(async () => {
  app = await startApp();
  client = new AerieClient({ url: app.url, key: { kid: 'default', secret: developmentSecret } });
});
afterAll(async () => {
  await client[Symbol.asyncDispose]();
  await app[Symbol.asyncDispose]();
});

describe.each(['http', 'grpc'])('over %s', (wire) => {
  function aerie(...args: string[]): Promise<Ended> {
    const url = wire === 'http' ? app.url : app.grpcUrl;
    const child = spawn(process.execPath, [program, '--url', url, ...args], { cwd: tmpdir(), env: {} });
    const ended = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      ended.out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      ended.err += chunk.toString();
    });
    return new Promise((resolve) => child.once('close', (code) => resolve({ ...ended, code })));
  }

  const play = (playerId: string, id: string, deltaXp = 10) =>
    client.sendEvent({ id, type: 'progression', playerId, payload: { deltaXp } });

  test('a flag is listed and reviewed', async () => {
    const player = `flagged-${wire}`;
    await expect(play(player, `jump-${wire}`, 250_000)).rejects.toMatchObject({ code: 'player_blocked' });
    const listed = async (verdict: string): Promise<Flag[]> => {
      const { out } = await aerie(
        '--json',
        'flags',
        'list',
        '--player',
        player,
        '--rule',
        'jump',
        '--verdict',
        verdict,
      );
      return (JSON.parse(out) as { flags: Flag[] }).flags;
    };
    await eventually(async () => expect(await listed('open')).toHaveLength(1));
    const [{ id } = { id: '' }] = await listed('open');
    const reviewed = await aerie('flags', 'review', id, 'false_positive');
    expect([reviewed.code, reviewed.out]).toEqual([0, expect.stringMatching(/false_positive/)]);
    expect([await listed('open'), (await listed('false_positive')).length]).toEqual([[], 1]);
    const wrong = await aerie('flags', 'review', id, 'nonsense');
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringMatching(/^validation_failed: verdict: must be/)]);
  });

  test('a player is blocked, shown, listed page by page, and unblocked', async () => {
    const players = [`blocked-${wire}-1`, `blocked-${wire}-2`];
    for (const player of players) {
      const done = await aerie('blocks', 'block', player, '--seconds', '60', '--reason', 'rude words');
      expect([done.code, done.out]).toEqual([0, expect.stringMatching(new RegExp(`^${player} is blocked until 20`))]);
    }
    const shown = await aerie('blocks', 'show', players[0] as string);
    expect(shown.out).toMatch(/: blocked until .*: rude words\n0 strikes, 0 flags\n$/);
    const first = await aerie('blocks', 'list', '--limit', '1');
    const [, token = ''] = /More: --after (\S+)\n$/.exec(first.out) ?? [];
    expect((await aerie('blocks', 'list', '--after', token)).out).toContain(players[1]);
    for (const player of players)
      expect((await aerie('blocks', 'unblock', player)).out).toBe(`${player} is not blocked\n`);
    expect((await aerie('blocks', 'show', players[0] as string)).out).toMatch(/: not blocked\n/);
    expect((await aerie('blocks', 'block', 'somebody')).code).toBe(2);
  });

  test('a rule is shown, and changed while it has the version that was seen', async () => {
    expect((await aerie('rules', 'get')).out).toMatch(/flood +\d+ +enforce +maxEvents +10\n/);
    const version = Number(/outlier +(\d+) /.exec((await aerie('rules', 'get', 'outlier')).out)?.[1]);
    const set = (...more: string[]) =>
      aerie(
        'rules',
        'set',
        'outlier',
        '--mode',
        'shadow',
        '--threshold',
        'maxDeviations=4.5',
        'minSamples=20',
        ...more,
      );
    const changed = await set('--expected-version', String(version));
    expect(changed.out).toMatch(new RegExp(`outlier +${version + 1} +shadow +maxDeviations +4.5\n`));
    expect(await set('--expected-version', String(version))).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^version_mismatch: /) as string,
    });
    const wrong = await aerie('rules', 'set', 'outlier', '--threshold', 'many');
    expect(wrong.err).toBe('validation_failed: threshold: must be name=number, such as maxEvents=20\n');
    const negative = await aerie('rules', 'set', 'outlier', '--threshold', 'maxDeviations=-1');
    expect(negative.err).toMatch(/^validation_failed: thresholds\.maxDeviations: must be .*0\.1.*1000/);
    const below = await aerie('rules', 'set', 'flood', '--threshold', 'maxEvents=-1');
    expect(below.err).toMatch(/^validation_failed: thresholds\.maxEvents: must be /);
    expect([wrong, negative, below].map(({ code }) => code)).toEqual([2, 2, 2]);
    const unknown = await aerie('rules', 'set', 'outlier', '--threshold', 'nothing=1');
    expect(unknown.err).toMatch(/^validation_failed: threshold: must be of maxEvents, /);
    expect((await aerie('rules', 'set', 'outlier', '--threshold', 'maxEvents=1')).err).toMatch(/^validation_failed: /);
    expect((await aerie('rules', 'get', 'nothing')).err).toContain('id: must be flood, jump or outlier');
  });

  test('dead letters of a consumer are listed and redriven', async () => {
    const eventId = `given-up-${wire}`;
    await play(`letters-${wire}`, eventId);
    const { id } = await client.events.parkEvent({ eventId, consumer: 'progression', reason: 'on purpose' });
    expect((await aerie('dead-letters', '--consumer', 'leaderboard')).out).toBe('No dead letters.\n');
    expect((await aerie('dead-letters', '--consumer', 'progression')).out).toContain(`${eventId}   progression`);
    expect((await aerie('dead-letters', '--redrive', id)).out).toBe(`Handed to progression again: ${eventId}\n`);
    await eventually(async () => expect((await aerie('dead-letters')).out).toBe('No dead letters.\n'));
  });

  test('seats and places are kept back, listed and released', async () => {
    const saleId = `kept-${wire}`;
    const sections = ['--section', 'floor:0:10', '--section', 'box:0:A1,A2'];
    await aerie('sale', 'create', saleId, '--title', 'A sale', ...sections);
    expect((await aerie('sale', 'block', saleId, 'box', '--seats', 'A2')).out).toMatch(/box +0 +2 +1 +0 +0 +1\n/);
    expect((await aerie('sale', 'seats', saleId, 'box')).out).toMatch(/A1 +available\nA2 +blocked\n/);
    expect((await aerie('sale', 'block', saleId, 'floor', '--quantity', '4')).out).toMatch(
      /floor +0 +10 +6 +0 +0 +4\n/,
    );
    expect((await aerie('sale', 'unblock', saleId, 'box', '--seats', 'A2')).out).toMatch(/box +0 +2 +2 +0 +0 +0\n/);
    expect((await aerie('sale', 'block', saleId, 'box', '--seats', 'Z9')).code).toBe(1);
  });

  test('the numbers of the process that is asked', async () => {
    await play(`counted-${wire}`, `counted-${wire}`);
    await eventually(async () => expect((await aerie('stats')).out).toMatch(/\nevents +accepted +[1-9]\d*\n/));
    const { out } = await aerie('stats');
    expect(out).toMatch(new RegExp(`^\\S+/${app.pid}, ready, [\\d.]+ s of CPU, \\d+ MiB\n`));
    expect(out).toMatch(/\nleaderboard +\d+ +\d/);
    expect(JSON.parse((await aerie('--json', 'stats')).out)).toMatchObject({ status: 'ready' });
  });
});
