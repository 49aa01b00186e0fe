import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type {
  CheckResponse,
  FairnessPlayer,
  Flag,
  ListBlocksResponse,
  ListFlagsResponse,
  ListRulesResponse,
  Rule,
} from '../../generated/aerie/fairness/v1/fairness';
import { IdempotencyKey } from '../../shared/contract/idempotency-key';
import { FairnessApi } from './fairness.api';
import {
  BlockPlayerDto,
  CheckDto,
  GetPlayerDto,
  ListBlocksDto,
  ListFlagsDto,
  ListRulesDto,
  ReviewFlagDto,
  UnblockPlayerDto,
  UpdateRuleDto,
} from './fairness.dto';

/** The calls of fairness over gRPC. The service says what they throw. */
@Controller()
export class FairnessGrpcController {
  constructor(private readonly fairness: FairnessApi) {}

  @GrpcMethod('FairnessService')
  check(@Payload() request: CheckDto): Promise<CheckResponse> {
    return this.fairness.check(request);
  }

  @GrpcMethod('FairnessService')
  getPlayer(@Payload() request: GetPlayerDto): Promise<FairnessPlayer> {
    return this.fairness.getPlayer(request);
  }

  @GrpcMethod('FairnessService')
  blockPlayer(@Payload() request: BlockPlayerDto, @IdempotencyKey() key: string | undefined): Promise<FairnessPlayer> {
    return this.fairness.blockPlayer(request, { idempotencyKey: key });
  }

  @GrpcMethod('FairnessService')
  unblockPlayer(@Payload() request: UnblockPlayerDto): Promise<FairnessPlayer> {
    return this.fairness.unblockPlayer(request);
  }

  @GrpcMethod('FairnessService')
  listBlocks(@Payload() request: ListBlocksDto): Promise<ListBlocksResponse> {
    return this.fairness.listBlocks(request);
  }

  @GrpcMethod('FairnessService')
  listFlags(@Payload() request: ListFlagsDto): Promise<ListFlagsResponse> {
    return this.fairness.listFlags(request);
  }

  @GrpcMethod('FairnessService')
  reviewFlag(@Payload() request: ReviewFlagDto): Promise<Flag> {
    return this.fairness.reviewFlag(request);
  }

  @GrpcMethod('FairnessService')
  listRules(@Payload() request: ListRulesDto): Promise<ListRulesResponse> {
    return this.fairness.listRules(request);
  }

  @GrpcMethod('FairnessService')
  updateRule(@Payload() request: UpdateRuleDto): Promise<Rule> {
    return this.fairness.updateRule(request);
  }
}
