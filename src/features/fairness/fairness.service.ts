import { Injectable } from '@nestjs/common';
import type {
  Block,
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
import { PageTokens } from '../../shared/rpc/page-token';
import { BlocksRepository } from './fairness.blocks.repository';
import { Checker } from './fairness.checker';
import { flagNotFound } from './fairness.errors';
import type { Block as StoredBlock } from './fairness.findings';
import { FlagsRepository, type StoredFlag } from './fairness.flags.repository';
import { Players } from './fairness.players';
import { Rulebook } from './fairness.rulebook';

const blockTokens = new PageTokens('fairness-blocks');
const flagTokens = new PageTokens('fairness-flags');

@Injectable()
export class FairnessService implements Proto {
  constructor(
    private readonly checker: Checker,
    private readonly players: Players,
    private readonly blocks: BlocksRepository,
    private readonly flags: FlagsRepository,
    private readonly rulebook: Rulebook,
  ) {}

  async check({ events }: CheckRequest): Promise<CheckResponse> {
    return { verdicts: await this.checker.check(events) };
  }

  getPlayer({ playerId }: GetPlayerRequest): Promise<FairnessPlayer> {
    return this.players.player(playerId);
  }

  blockPlayer(request: BlockPlayerRequest): Promise<FairnessPlayer> {
    return this.players.block(request);
  }

  unblockPlayer({ playerId }: UnblockPlayerRequest): Promise<FairnessPlayer> {
    return this.players.unblock(playerId);
  }

  async listBlocks({ pageSize = 20, pageToken }: ListBlocksRequest): Promise<ListBlocksResponse> {
    const after = String(blockTokens.decode(null, pageToken)?.[0] ?? '');
    const found = await this.blocks.list(after, pageSize + 1);
    const { page, nextPageToken } = blockTokens.cut(null, found, pageSize, ({ playerId }) => [playerId]);
    return { blocks: page.map(toBlock), nextPageToken };
  }

  async listFlags({ pageSize = 20, pageToken, ...filter }: ListFlagsRequest): Promise<ListFlagsResponse> {
    const key = [filter.playerId ?? null, filter.rule ?? null, filter.verdict ?? null];
    const before = Number(flagTokens.decode(key, pageToken)?.[0] ?? Number.MAX_SAFE_INTEGER);
    const found = await this.flags.list(filter, before, pageSize + 1);
    const { page, nextPageToken } = flagTokens.cut(key, found, pageSize, ({ seq }) => [seq]);
    return { flags: page.map(toFlag), nextPageToken };
  }

  async reviewFlag({ id, verdict }: ReviewFlagRequest): Promise<Flag> {
    const flag = await this.flags.review(id, verdict);
    if (!flag) throw flagNotFound(id);
    return toFlag(flag);
  }

  async listRules(): Promise<ListRulesResponse> {
    return { rules: await this.rulebook.list() };
  }

  updateRule(request: UpdateRuleRequest): Promise<Rule> {
    return this.rulebook.update(request);
  }
}

function toBlock({ playerId, rule, reason, blockedAt, blockedUntil }: StoredBlock): Block {
  return { playerId, rule, reason, blockedAt: toTime(blockedAt), blockedUntil: toTime(blockedUntil) };
}

function toFlag({ seq: _, createdAt, reviewedAt, ...flag }: StoredFlag): Flag {
  return {
    ...flag,
    createdAt: toTime(createdAt),
    ...(reviewedAt === null ? {} : { reviewedAt: toTime(reviewedAt) }),
  };
}
