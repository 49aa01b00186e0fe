import { Injectable } from '@nestjs/common';
import type {
  ClaimRewardRequest,
  ClaimRewardResponse,
  GetProgressRequest,
  ListRewardsRequest,
  ListRewardsResponse,
  Progress,
  ProgressionService as Proto,
  VerifyRewardRequest,
  VerifyRewardResponse,
} from '../../generated/aerie/progression/v1/progression';
import { restrictedTo } from '../../shared/auth/caller';
import { Clock } from '../../shared/clock/clock';
import { answer } from '../../shared/contract/answer';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import { playerNotFound, rewardNotFound } from './progression.errors';
import { ProgressionMetrics } from './progression.metrics';
import { ProgressReader } from './progression.reader';
import { Receipts } from './progression.receipts';
import { ProgressionRepository } from './progression.repository';
import { type StoredReward, toReward } from './progression.rewards';

@Injectable()
export class ProgressionService implements Proto {
  private readonly tokens;

  constructor(
    private readonly repository: ProgressionRepository,
    private readonly reader: ProgressReader,
    private readonly receipts: Receipts,
    private readonly metrics: ProgressionMetrics,
    private readonly clock: Clock,
    pageTokens: PageTokens,
  ) {
    this.tokens = pageTokens.of('rewards', rowNumber);
  }

  async getProgress({ playerId }: GetProgressRequest): Promise<Progress> {
    return this.reader.progress(playerId, restrictedTo());
  }

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
      ? { ...reward, status: 'claimed' as const, claimedAt: now, receipt }
      : await this.repository.reward(playerId, rewardId, owner);
    if (!stored) throw rewardNotFound(playerId, rewardId);
    return claimed(stored, !won);
  }

  verifyReward({ receipt }: VerifyRewardRequest): Promise<VerifyRewardResponse> {
    return this.receipts.verify(receipt);
  }
}

function claimed(reward: StoredReward, replayed: boolean): ClaimRewardResponse {
  return answer({ receipt: reward.receipt ?? '', reward: toReward(reward) }, replayed ? { replayed: 'effect' } : {});
}
