import { Controller, Delete, Get, Patch, Post } from '@nestjs/common';
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
import { HttpRequest } from '../../shared/http/http-request.decorator';
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

/** The calls of fairness over HTTP. The service says what they throw. */
@Controller('fairness')
export class FairnessHttpController {
  constructor(private readonly fairness: FairnessApi) {}

  @Post('check')
  check(@HttpRequest() request: CheckDto): Promise<CheckResponse> {
    return this.fairness.check(request);
  }

  @Get('players/:playerId')
  getPlayer(@HttpRequest() request: GetPlayerDto): Promise<FairnessPlayer> {
    return this.fairness.getPlayer(request);
  }

  @Post('players/:playerId/block')
  blockPlayer(
    @HttpRequest() request: BlockPlayerDto,
    @IdempotencyKey() key: string | undefined,
  ): Promise<FairnessPlayer> {
    return this.fairness.blockPlayer(request, { idempotencyKey: key });
  }

  @Delete('players/:playerId/block')
  unblockPlayer(@HttpRequest() request: UnblockPlayerDto): Promise<FairnessPlayer> {
    return this.fairness.unblockPlayer(request);
  }

  @Get('blocks')
  listBlocks(@HttpRequest() request: ListBlocksDto): Promise<ListBlocksResponse> {
    return this.fairness.listBlocks(request);
  }

  @Get('flags')
  listFlags(@HttpRequest() request: ListFlagsDto): Promise<ListFlagsResponse> {
    return this.fairness.listFlags(request);
  }

  @Post('flags/:id/review')
  reviewFlag(@HttpRequest() request: ReviewFlagDto): Promise<Flag> {
    return this.fairness.reviewFlag(request);
  }

  @Get('rules')
  listRules(@HttpRequest() request: ListRulesDto): Promise<ListRulesResponse> {
    return this.fairness.listRules(request);
  }

  @Patch('rules/:id')
  updateRule(@HttpRequest() request: UpdateRuleDto): Promise<Rule> {
    return this.fairness.updateRule(request);
  }
}
