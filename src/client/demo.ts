import { setTimeout as delay } from 'node:timers/promises';
import { ulid } from 'ulid';
import { unavailable } from '../shared/errors/common.errors';
import { linesOf } from './boards';
import type { Session } from './command-line';
import { allRewards } from './commands';
import type { GameEvent } from './game-event';
import { ProgressBar } from './progress-bar';
import { samples } from './samples';
import { table } from './table';

const consumers = ['progression', 'leaderboard'];
const batchSize = 10;
const second = 1000;
const patienceMs = 30_000;

const columns = {
  player: 'player',
  level: 'level',
  xp: 'xp',
  'boss kills': 'bossKills',
  drops: 'drops',
  rewards: 'rewards',
} as const;

type DatedEvent = GameEvent & { readonly id: string; readonly occurredAt: string };

interface Player {
  readonly player: string;
  readonly level: number;
  readonly xp: number;
  readonly bossKills: number;
  readonly drops: number;
  readonly rewards: readonly string[];
}

/** Sends the sample events, waits until they are applied, shows the players, claims a reward and verifies its receipt. */
export async function demo(session: Session, { fresh = false }: { readonly fresh?: boolean }): Promise<number> {
  const events = sampleEvents(fresh);
  session.say(`Sending ${events.length} signed events to ${session.url}`);
  const sent = await sendAll(session, events);
  await applied(session, events.length);
  const names = [...new Set(events.map(({ playerId }) => playerId))];
  const players = await Promise.all(names.map((name) => playerOf(session, name)));
  players.sort((a, b) => b.xp - a.xp);
  const claimed = await claimOne(session, players);
  const board = await session.client.leaderboard.getLeaderboard({ window: 'weekly' });
  session.print({ ...sent, players, leaderboard: board, claimed }, [
    `${sent.accepted} accepted, ${sent.duplicate} duplicate`,
    ...(sent.accepted === 0 ? ['All were sent before today, so nothing counts twice. For new ones: --fresh'] : []),
    '',
    ...table(columns, players),
    '',
    'Leaderboard',
    ...linesOf(board),
    ...(claimed
      ? [
          '',
          `Claimed ${claimed.rewardId} for ${claimed.player}; its receipt, ${claimed.valid ? 'verified' : 'NOT valid'}:`,
          claimed.receipt,
        ]
      : []),
  ]);
  return claimed?.valid === true ? 0 : 1;
}

/**
 * The same ids, times and bodies all day, so that a second run shows duplicates; `fresh` ones are new each time. They
 * happened in the first seconds of this day, so that they are on the board of this week.
 */
function sampleEvents(fresh: boolean): DatedEvent[] {
  const day = new Date().toISOString().slice(0, 10);
  const begin = Date.parse(`${day}T00:00:00.000Z`);
  const run = fresh ? ulid() : day;
  return samples.map((event, index) => ({
    ...event,
    id: `demo-${run}-${index + 1}`,
    occurredAt: new Date(begin + index * second).toISOString(),
  }));
}

async function sendAll(
  { client, say }: Session,
  events: readonly DatedEvent[],
): Promise<{ accepted: number; duplicate: number }> {
  const counts = { accepted: 0, duplicate: 0, rejected: 0 };
  const bar = new ProgressBar('sent', events.length);
  for (let start = 0; start < events.length; start += batchSize) {
    const { results } = await client.sendBatch(events.slice(start, start + batchSize));
    for (const { eventId, status, error } of results) {
      counts[status as keyof typeof counts] += 1;
      if (error) say(`rejected ${eventId}: ${error.code}: ${error.message}`);
    }
    bar.reached(start + results.length);
  }
  bar.done();
  return { accepted: counts.accepted, duplicate: counts.duplicate };
}

/** Accepted is durable; a moment later it is applied, too. */
async function applied({ client }: Session, total: number): Promise<void> {
  const { seq: sent } = await client.events.getHead({});
  const bar = new ProgressBar('applied', total);
  for (const ends = Date.now() + patienceMs; Date.now() < ends; await delay(50)) {
    const heads = await Promise.all(consumers.map((consumer) => client.events.getHead({ consumer })));
    const left = sent - Math.min(...heads.map(({ passed = 0 }) => passed));
    if (left <= 0) return bar.done();
    bar.reached(Math.max(0, total - left));
  }
  throw unavailable();
}

async function playerOf({ client }: Session, playerId: string): Promise<Player> {
  const [progress, rewards] = await Promise.all([
    client.progression.getProgress({ playerId }),
    allRewards(client.progression, playerId),
  ]);
  const { level, xp, bossKills, dropsClaimed: drops } = progress;
  return { player: playerId, level, xp, bossKills, drops, rewards: rewards.map(({ rewardId }) => rewardId) };
}

interface Claimed {
  readonly player: string;
  readonly rewardId: string;
  readonly receipt: string;
  readonly valid: boolean;
}

async function claimOne({ client }: Session, players: readonly Player[]): Promise<Claimed | undefined> {
  const winner = players.find(({ rewards }) => rewards.length > 0);
  const rewardId = winner?.rewards[0];
  if (!winner || rewardId === undefined) return undefined;
  const { receipt } = await client.progression.claimReward({ playerId: winner.player, rewardId });
  const { valid } = await client.progression.verifyReward({ receipt });
  return { player: winner.player, rewardId, receipt, valid };
}
