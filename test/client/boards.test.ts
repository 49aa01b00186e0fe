import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AerieClient } from '../../src/client/client';
import { developmentSecret } from '../../src/client/signer';
import type { Leaderboard } from '../../src/generated/aerie/leaderboard/v1/leaderboard';
import { type AppProcess, startApp } from '../support/app';
import { eventually } from '../support/eventually';

// Leaderboards and fairness as a game server and an operator meet them: the library and the command line.

const program = join(__dirname, '..', '..', 'dist', 'client', 'aerie.js');
let app: AppProcess;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app[Symbol.asyncDispose]());

function aerie(args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [program, ...args], { cwd: tmpdir(), env: {} });
  const ended = { code: null as number | null, out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    ended.out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    ended.err += chunk.toString();
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ ...ended, code })));
}

describe.each(['http', 'grpc'])('over %s', (wire) => {
  const url = (): string => (wire === 'http' ? app.url : app.grpcUrl);
  const open = (): AerieClient => new AerieClient({ url: url(), key: { secret: developmentSecret } });
  const player = (n: number): string => `${wire}-player-${n}`;

  async function kill(client: AerieClient, n: number, points: number): Promise<void> {
    const payload = { bossId: 'hydra', tier: 1, points };
    expect((await client.sendEvent({ type: 'boss_kill', playerId: player(n), payload })).status).toBe('accepted');
  }

  test('watching tells each change once, and leaving ends it', async () => {
    await using client = open();
    const seen: Leaderboard[] = [];
    await kill(client, 1, 100);
    await eventually(async () => {
      const { total } = await client.leaderboard.getPlayerRank({
        playerId: player(1),
        window: 'daily',
        key: undefined,
        around: undefined,
      });
      expect(total).toBeGreaterThan(0);
    });
    for await (const board of client.watchLeaderboard({ window: 'daily', key: undefined, limit: 100 })) {
      seen.push(board);
      if (seen.length === 2) break;
      await kill(client, 2, 4000);
    }
    const scores = seen.map(({ entries }) => entries.find(({ playerId }) => playerId === player(2))?.score);
    expect(scores).toEqual([undefined, 4000]);
  });

  test('the command line shows a board and a place on it', async () => {
    const board = await aerie(['--url', url(), 'leaderboard', '--limit', '2']);
    expect([board.code, board.err]).toEqual([0, '']);
    expect(board.out).toMatch(/^weekly \d{4}-W\d\d, open, \d+ players\n\nrank {3}player/);
    expect(board.out).toContain(player(2));
    const around = await aerie(['--url', url(), '--json', 'leaderboard', '--around', player(1)]);
    expect(JSON.parse(around.out)).toMatchObject({ window: 'weekly', playerId: player(1), score: 100 });
    expect(await aerie(['--url', url(), 'leaderboard', '--window', 'hourly'])).toMatchObject({ code: 2, out: '' });
    expect(await aerie(['--url', url(), 'leaderboard', '--limit', '0'])).toMatchObject({ code: 2, out: '' });
  });

  test('an operator blocks a player, who is refused, and lets them in again', async () => {
    await using client = open();
    const playerId = player(3);
    const block = await client.fairness.blockPlayer({ playerId, seconds: 60, reason: 'wall hack' });
    expect(block).toMatchObject({ blocked: true, reason: 'wall hack' });
    const payload = { bossId: 'hydra', tier: 1, points: 1 };
    await expect(client.sendEvent({ type: 'boss_kill', playerId, payload })).rejects.toMatchObject({
      code: 'player_blocked',
    });
    expect(await client.fairness.unblockPlayer({ playerId })).toMatchObject({ blocked: false });
    await kill(client, 3, 1);
  });
});
