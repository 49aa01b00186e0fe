import { z } from 'zod';
import type {
  ClaimRewardRequest,
  GetProgressRequest,
  ListRewardsRequest,
  VerifyRewardRequest,
} from '../../generated/aerie/progression/v1/progression';
import { dto } from '../../shared/contract/dto';
import { pageSize, pageToken, playerId, timeAnswer } from '../../shared/contract/schemas';

const rewardId = z
  .string('must be a string')
  // After the first dash comes an item's id.
  .regex(/^(level|boss|drop)-[A-Za-z0-9_\-.@:+=|/#]{1,128}$/, 'must be level-<n>, boss-<bossId> or drop-<dropId>');
const rewardStatus = z.enum(['available', 'claimed'], 'must be available or claimed');

export class GetProgressDto extends dto<GetProgressRequest>(z.strictObject({ playerId })) {}

export class ListRewardsDto extends dto<ListRewardsRequest>(
  z.strictObject({ playerId, status: rewardStatus.optional(), pageSize, pageToken }),
) {}

export class ClaimRewardDto extends dto<ClaimRewardRequest>(z.strictObject({ playerId, rewardId })) {}

export class VerifyRewardDto extends dto<VerifyRewardRequest>(
  z.strictObject({
    receipt: z.string('must be a string').min(1, 'must not be empty').max(4096, 'must have at most 4096 characters'),
  }),
) {}

const count = z.number().int();

export const progressAnswer = z.object({
  playerId: z.string(),
  xp: count,
  level: count,
  xpIntoLevel: count,
  xpForNextLevel: count,
  bossKills: count,
  dropsClaimed: count,
  version: count,
  updatedAt: timeAnswer,
});

export const rewardAnswer = z.object({
  rewardId: z.string(),
  playerId: z.string(),
  kind: z.enum(['chest', 'boss', 'drop']),
  status: rewardStatus,
  earnedAt: timeAnswer,
  claimedAt: timeAnswer.optional(),
});

export const listRewardsAnswer = z.object({ rewards: z.array(rewardAnswer), nextPageToken: z.string() });

export const claimRewardAnswer = z.object({ receipt: z.string(), reward: rewardAnswer });

export const verifyRewardAnswer = z.object({
  valid: z.boolean(),
  reason: z.enum(['malformed', 'signature', 'unknown_key', 'expired']).optional(),
  claims: z
    .object({
      jti: z.string(),
      sub: z.string(),
      reward: z.object({ rewardId: z.string(), kind: z.string() }),
      iat: count,
      exp: count.optional(),
    })
    .optional(),
});
