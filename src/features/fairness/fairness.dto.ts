import { z } from 'zod';
import type {
  BlockPlayerRequest,
  CheckRequest,
  GetPlayerRequest,
  ListBlocksRequest,
  ListFlagsRequest,
  ListRulesRequest,
  ReviewFlagRequest,
  Thresholds,
  UnblockPlayerRequest,
  UpdateRuleRequest,
} from '../../generated/aerie/fairness/v1/fairness';
import { dto } from '../../shared/contract/dto';
import {
  idempotencyKey,
  name,
  pageSize,
  pageToken,
  playerId,
  text,
  timeAnswer,
  ulid,
  wholeNumber,
} from '../../shared/contract/schemas';

const rule = z.enum(['flood', 'jump', 'outlier'], 'must be flood, jump or outlier');
const mode = z.enum(['off', 'shadow', 'enforce'], 'must be off, shadow or enforce');
const decision = z.enum(['confirmed', 'false_positive', 'dismissed'], 'must be confirmed, false_positive or dismissed');
const verdict = z.enum(
  ['open', 'confirmed', 'false_positive', 'dismissed'],
  'must be open, confirmed, false_positive or dismissed',
);
const eventType = z.enum(
  ['progression', 'boss_kill', 'drop_claimed'],
  'must be progression, boss_kill or drop_claimed',
);
// A flag's evidence may be no larger: it is stored in thousandths.
const maxEvidence = Math.floor(Number.MAX_SAFE_INTEGER / 1000);
const day = 86_400;
const deviations = 'must be a number from 0.1 to 1000';
// No event is worth more than a million; a higher cap lets all pass.
const cap = wholeNumber(0, 1_000_000_000).optional();

const thresholds: z.ZodType<Thresholds> = z.strictObject(
  {
    maxEvents: wholeNumber(1, 1000).optional(),
    maxStrikes: wholeNumber(1, 100).optional(),
    strikeWindowSeconds: wholeNumber(1, day).optional(),
    blockSeconds: wholeNumber(1, 30 * day).optional(),
    progressionPoints: cap,
    bossKillPoints: cap,
    dropClaimedPoints: cap,
    minSamples: wholeNumber(2, 100_000).optional(),
    maxDeviations: z.number(deviations).min(0.1, deviations).max(1000, deviations).optional(),
  },
  'must be an object',
);

export class CheckDto extends dto<CheckRequest>(
  z.strictObject({
    events: z
      .array(
        z.strictObject({
          eventId: idempotencyKey,
          type: eventType,
          playerId,
          points: wholeNumber(0, maxEvidence),
        }),
        'must be an array',
      )
      .min(1, 'must have at least 1 event')
      .max(1000, 'must have at most 1000 events'),
  }),
) {}

export class GetPlayerDto extends dto<GetPlayerRequest>(z.strictObject({ playerId })) {}

export class BlockPlayerDto extends dto<BlockPlayerRequest>(
  z.strictObject({ playerId, seconds: wholeNumber(1, 30 * day), reason: text(1, 200) }),
) {}

export class UnblockPlayerDto extends dto<UnblockPlayerRequest>(z.strictObject({ playerId })) {}

export class ListBlocksDto extends dto<ListBlocksRequest>(z.strictObject({ pageSize, pageToken })) {}

export class ListFlagsDto extends dto<ListFlagsRequest>(
  z.strictObject({
    pageSize,
    pageToken,
    playerId: playerId.optional(),
    rule: rule.optional(),
    verdict: verdict.optional(),
  }),
) {}

export class ReviewFlagDto extends dto<ReviewFlagRequest>(z.strictObject({ id: ulid, verdict: decision })) {}

export class ListRulesDto extends dto<ListRulesRequest>(z.strictObject({})) {}

export class UpdateRuleDto extends dto<UpdateRuleRequest>(
  z
    .strictObject({
      id: name,
      mode: mode.optional(),
      thresholds: thresholds.optional(),
      expectedVersion: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
    })
    .refine((change) => change.mode !== undefined || Object.keys(change.thresholds ?? {}).length > 0, {
      message: 'must change mode or thresholds',
      // With wrong values there is a better reason to refuse it.
      when: ({ issues }) => issues.length === 0,
    })
    // The document says what refine checks: the id is in the path.
    .meta({ minProperties: 1 }),
) {}

const count = z.number().int();

export const checkAnswer = z.object({
  verdicts: z.array(
    z.object({
      decision: z.enum(['allow', 'throttle', 'block']),
      rule: z.enum(['flood', 'jump', 'manual']).optional(),
      retryAfterMs: count.optional(),
    }),
  ),
});

export const playerAnswer = z.object({
  playerId: z.string(),
  blocked: z.boolean(),
  blockedUntil: timeAnswer.optional(),
  reason: z.string().optional(),
  strikes: count,
  flags: count,
});

export const listBlocksAnswer = z.object({
  blocks: z.array(
    z.object({
      playerId: z.string(),
      rule: z.enum(['flood', 'jump', 'manual']),
      reason: z.string(),
      blockedAt: timeAnswer,
      blockedUntil: timeAnswer,
    }),
  ),
  nextPageToken: z.string(),
});

export const flagAnswer = z.object({
  id: z.string(),
  rule,
  ruleVersion: count,
  playerId: z.string(),
  eventId: z.string(),
  observed: z.number(),
  threshold: z.number(),
  verdict,
  createdAt: timeAnswer,
  reviewedAt: timeAnswer.optional(),
});

export const listFlagsAnswer = z.object({ flags: z.array(flagAnswer), nextPageToken: z.string() });

export const ruleAnswer = z.object({ id: rule, version: count, mode, thresholds, updatedAt: timeAnswer });

export const listRulesAnswer = z.object({ rules: z.array(ruleAnswer) });
