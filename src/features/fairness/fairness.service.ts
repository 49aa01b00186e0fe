import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { z } from 'zod';
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
import { Clock } from '../../shared/clock/clock';
import { toTime } from '../../shared/clock/time';
import { type Answer, answer } from '../../shared/contract/answer';
import type { CallMeta } from '../../shared/contract/contract';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import { playerId as playerIdSchema } from '../../shared/contract/schemas';
import { BlockCache } from './fairness.block-cache';
import type { StoredFlag } from './fairness.entity';
import { flagNotFound, foreignThreshold, ruleNotFound, versionMismatch } from './fairness.errors';
import { blockOf } from './fairness.findings';
import { FairnessJudge } from './fairness.judge';
import { FairnessRepository } from './fairness.repository';
import { RuleCache } from './fairness.rule-cache';
import { foreignThresholds, isRuleId, type Mode, type StoredRule } from './fairness.rules';

const maxFlagsCounted = 10_000;

/**
 * Judges events, and shows operators what was found and lets them decide. What they change is logged: who was let in or
 * kept out, and by which rules, can be told afterwards.
 */
@Injectable()
export class FairnessService implements Proto {
  private readonly blockTokens;
  private readonly flagTokens;

  constructor(
    private readonly judge: FairnessJudge,
    private readonly rules: RuleCache,
    private readonly blocks: BlockCache,
    private readonly repository: FairnessRepository,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
    pageTokens: PageTokens,
  ) {
    this.blockTokens = pageTokens.of('fairness-blocks', z.tuple([playerIdSchema]));
    this.flagTokens = pageTokens.of('fairness-flags', rowNumber);
  }

  /** One verdict for each event, in order. @throws AppError unavailable */
  async check({ events }: CheckRequest): Promise<CheckResponse> {
    return { verdicts: await this.judge.check(events) };
  }

  /** A player of whom nothing is known has zeros. */
  async getPlayer({ playerId }: GetPlayerRequest): Promise<FairnessPlayer> {
    const [[stored], flags] = await Promise.all([
      this.repository.blocksOf([playerId]),
      this.repository.countFlags(playerId, maxFlagsCounted),
    ]);
    if (stored) this.blocks.put(stored);
    // In memory may be one that could not be written yet.
    const block = this.blocks.get(playerId, this.clock.steady()) ?? stored;
    const blocked = block ? { blockedUntil: toTime(block.blockedUntil), reason: block.reason } : {};
    const strikes = await this.judge.strikesOf(playerId);
    return { playerId, blocked: block !== undefined, ...blocked, strikes, flags };
  }

  /**
   * With an Idempotency-Key that came before, what was answered then: the block may have been lifted since.
   * @throws AppError idempotency_key_reused, in_progress
   */
  async blockPlayer(request: BlockPlayerRequest, meta: CallMeta = {}): Promise<Answer<FairnessPlayer>> {
    const { playerId, seconds, reason } = request;
    const { strikes, flags } = await this.getPlayer({ playerId });
    const wanted = blockOf(playerId, 'manual', reason, this.clock.steady(), seconds);
    const call = { request, key: meta.idempotencyKey };
    const { done, replayed } = await this.repository.replaceBlock(wanted, call, (block) => {
      const blockedUntil = toTime(block.blockedUntil);
      return { playerId, blocked: true, blockedUntil, reason: block.reason, strikes, flags };
    });
    if (replayed) return answer(done.kept, { replayed: 'answer' });
    this.blocks.put(done.block);
    this.logger.info({ player_id: playerId, seconds, reason }, 'player_blocked');
    return done.kept;
  }

  /** Forgets the strikes, too. */
  async unblockPlayer({ playerId }: UnblockPlayerRequest): Promise<FairnessPlayer> {
    this.blocks.lift(playerId, await this.repository.endBlock(playerId));
    await this.judge.forgive(playerId);
    const player = await this.getPlayer({ playerId });
    this.logger.info({ player_id: playerId }, 'player_unblocked');
    return player;
  }

  /** Those who are blocked now, by player id. @throws AppError page_token_invalid */
  async listBlocks({ pageSize = 20, pageToken }: ListBlocksRequest): Promise<ListBlocksResponse> {
    const [after = ''] = this.blockTokens.decode(null, pageToken) ?? [];
    const found = await this.repository.listBlocks(after, pageSize + 1);
    const { page, nextPageToken } = this.blockTokens.cut(null, found, pageSize, ({ playerId }) => [playerId]);
    const blocks = page.map(({ playerId, rule, reason, blockedAt, blockedUntil }) => {
      return { playerId, rule, reason, blockedAt: toTime(blockedAt), blockedUntil: toTime(blockedUntil) };
    });
    return { blocks, nextPageToken };
  }

  /** Newest first. @throws AppError page_token_invalid */
  async listFlags({ pageSize = 20, pageToken, ...filter }: ListFlagsRequest): Promise<ListFlagsResponse> {
    const key = [filter.playerId ?? null, filter.rule ?? null, filter.verdict ?? null];
    const [before = Number.MAX_SAFE_INTEGER] = this.flagTokens.decode(key, pageToken) ?? [];
    const found = await this.repository.listFlags(filter, before, pageSize + 1);
    const { page, nextPageToken } = this.flagTokens.cut(key, found, pageSize, ({ seq }) => [seq]);
    return { flags: page.map(toFlag), nextPageToken };
  }

  /** A flag may be reviewed again. @throws AppError flag_not_found */
  async reviewFlag({ id, verdict }: ReviewFlagRequest): Promise<Flag> {
    const flag = await this.repository.reviewFlag(id, verdict);
    if (!flag) throw flagNotFound(id);
    this.logger.info({ flag_id: id, player_id: flag.playerId, verdict }, 'flag_reviewed');
    return toFlag(flag);
  }

  /** The rules as they are stored, also those that another process has just changed. */
  async listRules(): Promise<ListRulesResponse> {
    return { rules: (await this.rules.refresh()).map(toRule) };
  }

  /** Holds here at once, in other processes within two seconds. @throws AppError rule_not_found, validation_failed, version_mismatch */
  async updateRule({ id, mode, thresholds = {}, expectedVersion }: UpdateRuleRequest): Promise<Rule> {
    if (!isRuleId(id)) throw ruleNotFound(id);
    const foreign = foreignThresholds(id, thresholds);
    if (foreign.length > 0) throw foreignThreshold(id, foreign);
    const stored = await this.repository.updateRule(id, (rule) => {
      if (expectedVersion !== undefined && expectedVersion !== rule.version)
        throw versionMismatch(expectedVersion, rule.version);
      return { mode: (mode as Mode | undefined) ?? rule.mode, thresholds: { ...rule.thresholds, ...thresholds } };
    });
    if (!stored) throw ruleNotFound(id);
    this.rules.learn([stored]);
    this.logger.info({ rule: id, mode: stored.mode, version: stored.version }, 'rule_changed');
    return toRule(stored);
  }
}

function toFlag(flag: StoredFlag): Flag {
  const { id, rule, ruleVersion, playerId, eventId, observed, threshold, verdict, createdAt, reviewedAt } = flag;
  const reviewed = reviewedAt === null ? {} : { reviewedAt: toTime(reviewedAt) };
  const found = { id, rule, ruleVersion, playerId, eventId, observed, threshold };
  return { ...found, verdict, createdAt: toTime(createdAt), ...reviewed };
}

function toRule({ id, version, mode, thresholds, updatedAt }: StoredRule): Rule {
  return { id, version, mode, thresholds: { ...thresholds }, updatedAt: toTime(updatedAt) };
}
