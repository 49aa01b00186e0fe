import { randomUUID } from 'node:crypto';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { leaderboardContract as leaderboard } from '../../../src/features/leaderboard/leaderboard.api';
import type { PlayerScore } from '../../../src/features/leaderboard/leaderboard.ranking';
import type { Entry, Leaderboard } from '../../../src/generated/aerie/leaderboard/v1/leaderboard';
import { passedAll } from '../../support/lag';
import { untilAnswered } from '../../support/patiently';
import { signed } from '../../support/signed';
import type { TestApp, Wire } from '../../support/wires';
import { plainOrder } from './plain-order';

/** Points that a player made at an instant. */
export interface Points {
  readonly id?: string;
  readonly playerId: string;
  readonly points: number;
  readonly occurredAt: string;
}

/** Sends points as events; every one of them must be accepted. */
export async function play(app: TestApp, points: readonly Points[]): Promise<void> {
  for (let from = 0; from < points.length; from += 200) {
    const events = points
      .slice(from, from + 200)
      .map(({ id = randomUUID(), playerId, points: deltaXp, occurredAt }) => ({
        id,
        type: 'progression',
        playerId,
        occurredAt,
        payload: { deltaXp },
      }));
    const send = () => app.http.call(gateway, 'ingestBatch', signed(randomUUID(), { events }));
    const { code, body } = await untilAnswered(send);
    expect(code).toBe('ok');
    expect((body.results as { status: string }[]).filter(({ status }) => status === 'rejected')).toEqual([]);
  }
}

/** Resolves when everything is counted. */
export function counted(app: TestApp): Promise<void> {
  return passedAll(app, ['leaderboard']);
}

/** The entries that a plain sort of these points gives. */
export function expected(points: readonly Points[]): Entry[] {
  const players = new Map<string, PlayerScore>();
  for (const { playerId, points: score, occurredAt } of points) {
    const before = players.get(playerId) ?? { playerId, score: 0, achievedAt: 0 };
    const achievedAt = Math.max(before.achievedAt, Date.parse(occurredAt));
    players.set(playerId, { playerId, score: before.score + score, achievedAt });
  }
  return plainOrder([...players.values()]).map(({ playerId, score, achievedAt }, place) => ({
    rank: place + 1,
    playerId,
    score,
    achievedAt: new Date(achievedAt).toISOString(),
  }));
}

export async function page(wire: Wire, message: object): Promise<Leaderboard> {
  const { code, body } = await wire.call(leaderboard, 'getLeaderboard', message);
  expect(code).toBe('ok');
  return body as unknown as Leaderboard;
}

/** Every page of a board. */
export async function wholeBoard(wire: Wire, message: object, limit = 100): Promise<Leaderboard> {
  const first = await page(wire, { ...message, limit });
  const entries = [...first.entries];
  for (let { nextPageToken } = first; nextPageToken !== ''; ) {
    const next = await page(wire, { ...message, limit, pageToken: nextPageToken });
    entries.push(...next.entries);
    nextPageToken = next.nextPageToken;
  }
  return { ...first, entries, nextPageToken: '' };
}
