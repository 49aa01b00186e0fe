import type { Docs } from '../../shared/contract/call-docs';
import type { LeaderboardApi } from './leaderboard.api';
import {
  GetLeaderboardDto,
  GetPlayerRankDto,
  GetSnapshotDto,
  ListSnapshotsDto,
  leaderboardAnswer,
  listSnapshotsAnswer,
  playerRankAnswer,
  snapshotAnswer,
  VerifyLeaderboardDto,
  verifyLeaderboardAnswer,
} from './leaderboard.dto';

const first = { rank: 1, playerId: 'player-1', score: 5200, achievedAt: '2026-11-21T10:00:00.120Z' };
const second = { rank: 2, playerId: 'player-2', score: 4100, achievedAt: '2026-11-21T09:30:00.000Z' };
const window = 'weekly';
const key = '2026-W47';
const snapshot = {
  id: '01JD7Q3V2K8XW4N5T6R7Y8Z9AB',
  window,
  key,
  kind: 'final',
  takenAt: '2026-11-23T00:10:00.412Z',
  total: 2,
};
const board = {
  window,
  key,
  startsAt: '2026-11-16T00:00:00.000Z',
  endsAt: '2026-11-23T00:00:00.000Z',
  state: 'open',
  total: 2,
  entries: [first, second],
  nextPageToken: '',
};

const cached = ['version', 'cache'] as const;

/** Describes each call for OpenAPI. */
export const leaderboardDocs: Docs<LeaderboardApi> = {
  getLeaderboard: {
    summary: 'A page of the board of a day, a week or a season',
    request: GetLeaderboardDto,
    answer: leaderboardAnswer,
    facts: cached,
    errors: { 400: ['page_token_invalid'], 404: ['season_not_found'], 429: ['rate_limited'] },
    example: { request: { window, limit: 10 }, answer: board },
  },
  getPlayerRank: {
    summary: "A player's rank and neighbours",
    request: GetPlayerRankDto,
    answer: playerRankAnswer,
    facts: cached,
    errors: { 404: ['player_not_ranked', 'season_not_found'], 429: ['rate_limited'] },
    example: {
      request: { playerId: 'player-2', window, around: 5 },
      answer: { window, key, ...second, total: 2, percentile: 0, neighbours: [first, second] },
    },
  },
  listSnapshots: {
    summary: 'Boards as they were, newest first',
    request: ListSnapshotsDto,
    answer: listSnapshotsAnswer,
    facts: cached,
    errors: { 400: ['page_token_invalid'], 429: ['rate_limited'] },
    example: { request: { window }, answer: { snapshots: [snapshot], nextPageToken: '' } },
  },
  getSnapshot: {
    summary: 'The entries of a snapshot: the top of a periodic one, every player of a final one',
    request: GetSnapshotDto,
    answer: snapshotAnswer,
    facts: cached,
    errors: { 400: ['page_token_invalid'], 404: ['snapshot_not_found'], 429: ['rate_limited'] },
    example: { request: { id: snapshot.id }, answer: { snapshot, entries: [first, second], nextPageToken: '' } },
  },
  verifyLeaderboard: {
    summary: 'Compare what this process answers from with the database, and repair it',
    request: VerifyLeaderboardDto,
    answer: verifyLeaderboardAnswer,
    errors: { 404: ['season_not_found'], 429: ['rate_limited'] },
    example: { request: { window }, answer: { checked: 2, differing: 0, repaired: 0 } },
  },
};
