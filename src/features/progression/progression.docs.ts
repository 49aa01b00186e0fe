import type { Docs } from '../../shared/contract/call-docs';
import { idempotencyKeyHeader } from '../../shared/contract/request-headers';
import type { ProgressionApi } from './progression.api';
import {
  ClaimRewardDto,
  claimRewardAnswer,
  GetProgressDto,
  ListRewardsDto,
  listRewardsAnswer,
  progressAnswer,
  VerifyRewardDto,
  verifyRewardAnswer,
} from './progression.dto';

const playerId = 'player-1';
const earned = {
  rewardId: 'boss-hydra',
  playerId,
  kind: 'boss',
  status: 'available',
  earnedAt: '2026-11-21T10:00:00.120Z',
};
const claimed = { ...earned, status: 'claimed', claimedAt: '2026-11-21T10:05:00.000Z' };
const receipt = 'eyJhbGciOiJIUzI1NiIsImtpZCI6ImRldiIsInR5cCI6InJlY2VpcHQrand0In0.eyJqdGkiOiIuLi4ifQ.c2lnbmF0dXJl';
const idempotencyKey = idempotencyKeyHeader('Allowed; a claim is idempotent by player and reward', 'claim-1');

/** Each call as OpenAPI describes it. */
export const progressionDocs: Docs<ProgressionApi> = {
  getProgress: {
    summary: "A player's XP, level and counts",
    request: GetProgressDto,
    answer: progressAnswer,
    errors: { 404: ['player_not_found'] },
    example: {
      request: { playerId },
      answer: {
        playerId,
        xp: 1250,
        level: 2,
        xpIntoLevel: 250,
        xpForNextLevel: 750,
        bossKills: 5,
        dropsClaimed: 0,
        version: 5,
        updatedAt: earned.earnedAt,
      },
    },
  },
  listRewards: {
    summary: 'What a player has earned, oldest first',
    request: ListRewardsDto,
    answer: listRewardsAnswer,
    errors: { 400: ['page_token_invalid'], 404: ['player_not_found'] },
    example: { request: { playerId }, answer: { rewards: [earned], nextPageToken: '' } },
  },
  claimReward: {
    summary: 'Claim a reward: 201 with a signed receipt; again, 200 with the same one',
    request: ClaimRewardDto,
    headers: { 'Idempotency-Key': idempotencyKey },
    answer: claimRewardAnswer,
    status: 201,
    replayed: true,
    errors: { 404: ['reward_not_found'] },
    example: { request: { playerId, rewardId: 'boss-hydra' }, answer: { receipt, reward: claimed } },
  },
  verifyReward: {
    summary: 'Whether a receipt is ours and unchanged',
    request: VerifyRewardDto,
    answer: verifyRewardAnswer,
    example: {
      request: { receipt },
      answer: {
        valid: true,
        claims: {
          jti: '01KAJ0000000000000000000AA',
          sub: playerId,
          reward: { rewardId: 'boss-hydra', kind: 'boss' },
          iat: 1795341600,
        },
      },
    },
  },
};
