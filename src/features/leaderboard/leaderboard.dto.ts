import { z } from 'zod';
import type {
  GetLeaderboardRequest,
  GetPlayerRankRequest,
  GetSnapshotRequest,
  ListSnapshotsRequest,
  VerifyLeaderboardRequest,
  WatchLeaderboardRequest,
} from '../../generated/aerie/leaderboard/v1/leaderboard';
import { dto } from '../../shared/contract/dto';
import { name, pageSize, pageToken, playerId, timeAnswer, ulid, wholeNumber } from '../../shared/contract/schemas';
import { windowKinds } from './leaderboard.calendar';

const window = z.enum(windowKinds, 'must be daily, weekly or seasonal');
// The service checks whether it is a date, a week or a season: that depends on window and configuration.
const key = name.optional();
const limit = wholeNumber(1, 100).optional();

export class GetLeaderboardDto extends dto<GetLeaderboardRequest>(z.strictObject({ window, key, limit, pageToken })) {}

export class GetPlayerRankDto extends dto<GetPlayerRankRequest>(
  z.strictObject({ playerId, window, key, around: wholeNumber(0, 50).optional() }),
) {}

export class ListSnapshotsDto extends dto<ListSnapshotsRequest>(
  z.strictObject({
    window: window.optional(),
    key,
    kind: z.enum(['periodic', 'final'], 'must be periodic or final').optional(),
    pageSize,
    pageToken,
  }),
) {}

export class GetSnapshotDto extends dto<GetSnapshotRequest>(z.strictObject({ id: ulid, limit, pageToken })) {}

export class VerifyLeaderboardDto extends dto<VerifyLeaderboardRequest>(z.strictObject({ window, key })) {}

export class WatchLeaderboardDto extends dto<WatchLeaderboardRequest>(z.strictObject({ window, key, limit })) {}

const count = z.number().int();
const entry = z.object({ rank: count, playerId: z.string(), score: count, achievedAt: timeAnswer });

export const leaderboardAnswer = z.object({
  window,
  key: z.string(),
  startsAt: timeAnswer,
  endsAt: timeAnswer,
  state: z.enum(['open', 'closed']),
  total: count,
  entries: z.array(entry),
  nextPageToken: z.string(),
});

export const playerRankAnswer = z.object({
  window,
  key: z.string(),
  playerId: z.string(),
  rank: count,
  score: count,
  achievedAt: timeAnswer,
  total: count,
  percentile: z.number(),
  neighbours: z.array(entry),
});

const snapshot = z.object({
  id: z.string(),
  window,
  key: z.string(),
  kind: z.enum(['periodic', 'final']),
  takenAt: timeAnswer,
  total: count,
});

export const listSnapshotsAnswer = z.object({ snapshots: z.array(snapshot), nextPageToken: z.string() });

export const snapshotAnswer = z.object({ snapshot, entries: z.array(entry), nextPageToken: z.string() });

export const verifyLeaderboardAnswer = z.object({ checked: count, differing: count, repaired: count });
