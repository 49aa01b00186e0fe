import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import type {
  Leaderboard,
  ListSnapshotsResponse,
  PlayerRank,
  SnapshotPage,
  VerifyLeaderboardResponse,
} from '../../generated/aerie/leaderboard/v1/leaderboard';
import { GrpcCall, type ServerStream } from '../../shared/grpc/grpc.changes';
import { LeaderboardApi } from './leaderboard.api';
import {
  GetLeaderboardDto,
  GetPlayerRankDto,
  GetSnapshotDto,
  ListSnapshotsDto,
  VerifyLeaderboardDto,
  WatchLeaderboardDto,
} from './leaderboard.dto';
import { LeaderboardWatch } from './leaderboard.watch';

/** Leaderboards over gRPC. */
@Controller()
export class LeaderboardGrpcController {
  constructor(
    private readonly leaderboard: LeaderboardApi,
    private readonly watching: LeaderboardWatch,
  ) {}

  @GrpcMethod('LeaderboardService')
  getLeaderboard(@Payload() request: GetLeaderboardDto): Promise<Leaderboard> {
    return this.leaderboard.getLeaderboard(request);
  }

  @GrpcMethod('LeaderboardService')
  getPlayerRank(@Payload() request: GetPlayerRankDto): Promise<PlayerRank> {
    return this.leaderboard.getPlayerRank(request);
  }

  @GrpcMethod('LeaderboardService')
  listSnapshots(@Payload() request: ListSnapshotsDto): Promise<ListSnapshotsResponse> {
    return this.leaderboard.listSnapshots(request);
  }

  @GrpcMethod('LeaderboardService')
  getSnapshot(@Payload() request: GetSnapshotDto): Promise<SnapshotPage> {
    return this.leaderboard.getSnapshot(request);
  }

  @GrpcMethod('LeaderboardService')
  verifyLeaderboard(@Payload() request: VerifyLeaderboardDto): Promise<VerifyLeaderboardResponse> {
    return this.leaderboard.verifyLeaderboard(request);
  }

  @GrpcMethod('LeaderboardService')
  watchLeaderboard(
    @Payload() request: WatchLeaderboardDto,
    @GrpcCall() call: ServerStream<Leaderboard>,
  ): Observable<Leaderboard> {
    return this.watching.watch(call, request);
  }
}
