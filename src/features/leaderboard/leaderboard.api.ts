import type { LeaderboardService } from '../../generated/aerie/leaderboard/v1/leaderboard';
import type { Contract } from '../../shared/contract/contract';

/** The calls that other features, other processes and the client library may make to leaderboards. */
export abstract class LeaderboardApi {
  abstract getLeaderboard: LeaderboardService['getLeaderboard'];
  abstract getPlayerRank: LeaderboardService['getPlayerRank'];
  abstract listSnapshots: LeaderboardService['listSnapshots'];
  abstract getSnapshot: LeaderboardService['getSnapshot'];
  abstract verifyLeaderboard: LeaderboardService['verifyLeaderboard'];
}

export const leaderboardContract: Contract<LeaderboardApi> = {
  name: 'leaderboard',
  token: LeaderboardApi,
  proto: { package: 'aerie.leaderboard.v1', service: 'LeaderboardService' },
  routes: {
    getLeaderboard: { http: 'GET /leaderboard', access: 'public', retry: true },
    getPlayerRank: { http: 'GET /leaderboard/players/:playerId', access: 'public', retry: true },
    listSnapshots: { http: 'GET /leaderboard/snapshots', access: 'public', retry: true },
    getSnapshot: { http: 'GET /leaderboard/snapshots/:id', access: 'public', retry: true },
    verifyLeaderboard: { http: 'POST /leaderboard/verify', access: 'admin', retry: true, inQuery: true },
  },
  streams: { watchLeaderboard: 'public' },
};
