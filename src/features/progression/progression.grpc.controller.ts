import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type {
  ClaimRewardResponse,
  ListRewardsResponse,
  Progress,
  VerifyRewardResponse,
} from '../../generated/aerie/progression/v1/progression';
import { IdempotencyKey } from '../../shared/contract/idempotency-key';
import { ProgressionApi } from './progression.api';
import { ClaimRewardDto, GetProgressDto, ListRewardsDto, VerifyRewardDto } from './progression.dto';

/** The calls of progression over gRPC. The service says what they throw. */
@Controller()
export class ProgressionGrpcController {
  constructor(private readonly progression: ProgressionApi) {}

  @GrpcMethod('ProgressionService')
  getProgress(@Payload() request: GetProgressDto): Promise<Progress> {
    return this.progression.getProgress(request);
  }

  @GrpcMethod('ProgressionService')
  listRewards(@Payload() request: ListRewardsDto): Promise<ListRewardsResponse> {
    return this.progression.listRewards(request);
  }

  @GrpcMethod('ProgressionService')
  claimReward(
    @Payload() request: ClaimRewardDto,
    @IdempotencyKey() _key: string | undefined,
  ): Promise<ClaimRewardResponse> {
    return this.progression.claimReward(request);
  }

  @GrpcMethod('ProgressionService')
  verifyReward(@Payload() request: VerifyRewardDto): Promise<VerifyRewardResponse> {
    return this.progression.verifyReward(request);
  }
}
