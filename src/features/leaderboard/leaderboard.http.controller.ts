import { Controller, Get, Post } from '@nestjs/common';
import type {
  Leaderboard,
  ListSnapshotsResponse,
  PlayerRank,
  SnapshotPage,
  VerifyLeaderboardResponse,
} from '../../generated/aerie/leaderboard/v1/leaderboard';
import { HttpRequest } from '../../shared/http/http-request.decorator';
import { LeaderboardApi } from './leaderboard.api';
import {
  GetLeaderboardDto,
  GetPlayerRankDto,
  GetSnapshotDto,
  ListSnapshotsDto,
  VerifyLeaderboardDto,
} from './leaderboard.dto';

/** Leaderboards over HTTP. */
@Controller('leaderboard')
export class LeaderboardHttpController {
  constructor(private readonly leaderboard: LeaderboardApi) {}

  @Get()
  getLeaderboard(@HttpRequest() request: GetLeaderboardDto): Promise<Leaderboard> {
    return this.leaderboard.getLeaderboard(request);
  }

  @Get('players/:playerId')
  getPlayerRank(@HttpRequest() request: GetPlayerRankDto): Promise<PlayerRank> {
    return this.leaderboard.getPlayerRank(request);
  }

  @Get('snapshots')
  listSnapshots(@HttpRequest() request: ListSnapshotsDto): Promise<ListSnapshotsResponse> {
    return this.leaderboard.listSnapshots(request);
  }

  @Get('snapshots/:id')
  getSnapshot(@HttpRequest() request: GetSnapshotDto): Promise<SnapshotPage> {
    return this.leaderboard.getSnapshot(request);
  }

  @Post('verify')
  verifyLeaderboard(@HttpRequest() request: VerifyLeaderboardDto): Promise<VerifyLeaderboardResponse> {
    return this.leaderboard.verifyLeaderboard(request);
  }
}
