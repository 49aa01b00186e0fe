import { Controller, Get, Post } from '@nestjs/common';
import type {
  ClaimRewardResponse,
  ListRewardsResponse,
  Progress,
  VerifyRewardResponse,
} from '../../generated/aerie/progression/v1/progression';
import { IdempotencyKey } from '../../shared/contract/idempotency-key';
import { HttpRequest } from '../../shared/http/http-request.decorator';
import { ProgressionApi } from './progression.api';
import { ClaimRewardDto, GetProgressDto, ListRewardsDto, VerifyRewardDto } from './progression.dto';

/** The calls of progression over HTTP. The service says what they throw. */
@Controller()
export class ProgressionHttpController {
  constructor(private readonly progression: ProgressionApi) {}

  @Get('players/:playerId/progress')
  getProgress(@HttpRequest() request: GetProgressDto): Promise<Progress> {
    return this.progression.getProgress(request);
  }

  @Get('players/:playerId/rewards')
  listRewards(@HttpRequest() request: ListRewardsDto): Promise<ListRewardsResponse> {
    return this.progression.listRewards(request);
  }

  @Post('rewards/claim')
  claimReward(
    @HttpRequest() request: ClaimRewardDto,
    @IdempotencyKey() _key: string | undefined,
  ): Promise<ClaimRewardResponse> {
    return this.progression.claimReward(request);
  }

  @Post('rewards/verify')
  verifyReward(@HttpRequest() request: VerifyRewardDto): Promise<VerifyRewardResponse> {
    return this.progression.verifyReward(request);
  }
}
