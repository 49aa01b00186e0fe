import { Injectable } from '@nestjs/common';
import type { Leaderboard, WatchLeaderboardRequest } from '../../generated/aerie/leaderboard/v1/leaderboard';
import { Lifecycle } from '../../shared/lifecycle/lifecycle';
import { type ServerStream, serveChanges } from '../../shared/rpc/grpc.changes';
import { LeaderboardService } from './leaderboard.service';

const everyMs = 500;
const maxWatchers = 1000;

/** `WatchLeaderboard`: a board's first page whenever it has changed. */
@Injectable()
export class WatchLeaderboardService {
  private readonly watchers = { count: 0 };

  constructor(
    private readonly leaderboard: LeaderboardService,
    private readonly lifecycle: Lifecycle,
  ) {}

  watch(call: ServerStream<Leaderboard>, request: WatchLeaderboardRequest) {
    const { draining } = this.lifecycle;
    const options = { everyMs, draining, watchers: this.watchers, maxWatchers };
    return serveChanges(call, () => this.leaderboard.getLeaderboard(request), options);
  }
}
