import { Injectable } from '@nestjs/common';
import type {
  ClaimRewardRequest,
  ClaimRewardResponse,
  GetProgressRequest,
  ListRewardsRequest,
  ListRewardsResponse,
  Progress,
  ProgressionService as Proto,
  Reward,
  VerifyRewardRequest,
  VerifyRewardResponse,
} from '../../generated/aerie/progression/v1/progression';
import { restrictedTo } from '../../shared/auth/caller';
import { Cache } from '../../shared/cache/cache';
import { Clock } from '../../shared/clock/clock';
import { toTime } from '../../shared/clock/time';
import { answer } from '../../shared/contract/answer';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import { progressCopy, progressSpace } from './progression.applier';
import type { PlayerRow, RewardRow } from './progression.entity';
import { playerNotFound, rewardNotFound } from './progression.errors';
import { ProgressionMetrics } from './progression.metrics';
import { Receipts } from './progression.receipts';
import { ProgressionRepository } from './progression.repository';
import { levelOf } from './progression.rewards';
import { ProgressionSettings } from './progression.settings';

/** Shows players' progress and gives out their rewards. Whoever is restricted to one player finds no other. */
@Injectable()
export class ProgressionService implements Proto {
  private readonly tokens;

  constructor(
    private readonly repository: ProgressionRepository,
    private readonly receipts: Receipts,
    private readonly metrics: ProgressionMetrics,
    private readonly clock: Clock,
    private readonly cache: Cache,
    private readonly settings: ProgressionSettings,
    pageTokens: PageTokens,
  ) {
    this.tokens = pageTokens.of('rewards', rowNumber);
  }

  /** @throws AppError player_not_found */
  async getProgress({ playerId }: GetProgressRequest): Promise<Progress> {
    const owner = restrictedTo();
    const cached = await this.cache.get<PlayerRow>(progressSpace, playerId);
    if (cached && (owner === undefined || owner === cached.playerId)) return this.toProgress(cached);
    const found = await this.repository.player(playerId, owner);
    if (!found) throw playerNotFound(playerId);
    await this.cache.put(progressSpace, progressCopy(found));
    return this.toProgress(found);
  }

  /** Oldest first. @throws AppError player_not_found (somebody else's), page_token_invalid */
  async listRewards({ playerId, status, pageSize = 20, pageToken }: ListRewardsRequest): Promise<ListRewardsResponse> {
    const owner = restrictedTo();
    // A list of nothing would say that the player has earned nothing.
    if (owner !== undefined && owner !== playerId) throw playerNotFound(playerId);
    const filter = [playerId, status ?? null];
    const [after = 0] = this.tokens.decode(filter, pageToken) ?? [];
    const found = await this.repository.rewards({ playerId, status, owner }, after, pageSize + 1);
    const { page, nextPageToken } = this.tokens.cut(filter, found, pageSize, ({ seq }) => [seq]);
    return { rewards: page.map(toReward), nextPageToken };
  }

  /** Of any number of claims at once one has the effect; all answer its receipt. @throws AppError reward_not_found */
  async claimReward({ playerId, rewardId }: ClaimRewardRequest): Promise<ClaimRewardResponse> {
    const owner = restrictedTo();
    const reward = await this.repository.reward(playerId, rewardId, owner);
    if (!reward) throw rewardNotFound(playerId, rewardId);
    if (reward.status === 'claimed') return claimed(reward, true);
    const { kind } = reward;
    const now = this.clock.steady();
    const receipt = await this.receipts.issue(playerId, { rewardId, kind }, now);
    const won = await this.repository.claim({ playerId, rewardId, receipt, claimedAt: now }, owner);
    if (won) this.metrics.claim(kind);
    const stored = won
      ? { ...reward, status: 'claimed', claimedAt: now, receipt }
      : await this.repository.reward(playerId, rewardId, owner);
    if (!stored) throw rewardNotFound(playerId, rewardId);
    return claimed(stored, !won);
  }

  /** Tells whether the receipt is one of ours, unchanged and not expired. */
  verifyReward({ receipt }: VerifyRewardRequest): Promise<VerifyRewardResponse> {
    return this.receipts.verify(receipt);
  }

  private toProgress({ playerId, xp, bossKills, dropsClaimed, version, updatedAt }: PlayerRow): Progress {
    const { levelXp } = this.settings;
    const xpIntoLevel = xp % levelXp;
    const level = { level: levelOf(xp, levelXp), xpIntoLevel, xpForNextLevel: levelXp - xpIntoLevel };
    return { playerId, xp, ...level, bossKills, dropsClaimed, version, updatedAt: toTime(updatedAt) };
  }
}

function toReward({ rewardId, playerId, kind, status, earnedAt, claimedAt }: RewardRow): Reward {
  const claimed = claimedAt === null ? {} : { claimedAt: toTime(claimedAt) };
  return { rewardId, playerId, kind, status, earnedAt: toTime(earnedAt), ...claimed };
}

function claimed(reward: RewardRow, replayed: boolean): ClaimRewardResponse {
  return answer({ receipt: reward.receipt ?? '', reward: toReward(reward) }, replayed ? { replayed: 'effect' } : {});
}
