import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type {
  BlockPlayerRequest,
  CheckRequest,
  CheckResponse,
  FairnessPlayer,
  Flag,
  GetPlayerRequest,
  ListBlocksRequest,
  ListBlocksResponse,
  ListFlagsRequest,
  ListFlagsResponse,
  ListRulesResponse,
  FairnessService as Proto,
  ReviewFlagRequest,
  Rule,
  UnblockPlayerRequest,
  UpdateRuleRequest,
} from '../../generated/aerie/fairness/v1/fairness';
import { toTime } from '../../shared/clock/time';
import { type Answer, factsOf } from '../../shared/contract/answer';
import type { CallMeta } from '../../shared/contract/contract';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import { Checker } from './fairness.checker';
import { flagNotFound } from './fairness.errors';
import { FlagsRepository, type StoredFlag } from './fairness.flags.repository';
import { Players } from './fairness.players';
import { Rulebook } from './fairness.rulebook';

/** What operators change is logged: who was let in or kept out, and by which rules, can be told afterwards. */
@Injectable()
export class FairnessService implements Proto {
  private readonly flagTokens;

  constructor(
    private readonly checker: Checker,
    private readonly players: Players,
    private readonly flags: FlagsRepository,
    private readonly rulebook: Rulebook,
    private readonly logger: PinoLogger,
    pageTokens: PageTokens,
  ) {
    this.flagTokens = pageTokens.of('fairness-flags', rowNumber);
  }

  async check({ events }: CheckRequest): Promise<CheckResponse> {
    return { verdicts: await this.checker.check(events) };
  }

  getPlayer({ playerId }: GetPlayerRequest): Promise<FairnessPlayer> {
    return this.players.player(playerId);
  }

  async blockPlayer(request: BlockPlayerRequest, meta: CallMeta = {}): Promise<Answer<FairnessPlayer>> {
    const player = await this.players.block(request, meta);
    const { playerId: player_id, seconds, reason } = request;
    if (!factsOf(player).replayed) this.logger.info({ player_id, seconds, reason }, 'player_blocked');
    return player;
  }

  async unblockPlayer({ playerId }: UnblockPlayerRequest): Promise<FairnessPlayer> {
    const player = await this.players.unblock(playerId);
    this.logger.info({ player_id: playerId }, 'player_unblocked');
    return player;
  }

  listBlocks(request: ListBlocksRequest): Promise<ListBlocksResponse> {
    return this.players.blocked(request);
  }

  async listFlags({ pageSize = 20, pageToken, ...filter }: ListFlagsRequest): Promise<ListFlagsResponse> {
    const key = [filter.playerId ?? null, filter.rule ?? null, filter.verdict ?? null];
    const [before = Number.MAX_SAFE_INTEGER] = this.flagTokens.decode(key, pageToken) ?? [];
    const found = await this.flags.list(filter, before, pageSize + 1);
    const { page, nextPageToken } = this.flagTokens.cut(key, found, pageSize, ({ seq }) => [seq]);
    return { flags: page.map(toFlag), nextPageToken };
  }

  async reviewFlag({ id, verdict }: ReviewFlagRequest): Promise<Flag> {
    const flag = await this.flags.review(id, verdict);
    if (!flag) throw flagNotFound(id);
    this.logger.info({ flag_id: id, player_id: flag.playerId, verdict }, 'flag_reviewed');
    return toFlag(flag);
  }

  async listRules(): Promise<ListRulesResponse> {
    return { rules: await this.rulebook.list() };
  }

  async updateRule(request: UpdateRuleRequest): Promise<Rule> {
    const rule = await this.rulebook.update(request);
    this.logger.info({ rule: rule.id, mode: rule.mode, version: rule.version }, 'rule_changed');
    return rule;
  }
}

function toFlag({ seq: _, createdAt, reviewedAt, ...flag }: StoredFlag): Flag {
  return {
    ...flag,
    createdAt: toTime(createdAt),
    ...(reviewedAt === null ? {} : { reviewedAt: toTime(reviewedAt) }),
  };
}
