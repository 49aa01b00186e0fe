import type { Docs } from '../../shared/contract/call-docs';
import { idempotencyKeyHeader } from '../../shared/contract/request-headers';
import type { FairnessApi } from './fairness.api';
import {
  BlockPlayerDto,
  CheckDto,
  checkAnswer,
  flagAnswer,
  GetPlayerDto,
  ListBlocksDto,
  ListFlagsDto,
  ListRulesDto,
  listBlocksAnswer,
  listFlagsAnswer,
  listRulesAnswer,
  playerAnswer,
  ReviewFlagDto,
  ruleAnswer,
  UnblockPlayerDto,
  UpdateRuleDto,
} from './fairness.dto';

const playerId = 'player-1';
const from = '2026-11-21T10:00:00.000Z';
const until = '2026-11-21T10:10:00.000Z';
const free = { playerId, blocked: false, strikes: 0, flags: 1 };
const flag = {
  id: '01KAJ0000000000000000000AA',
  rule: 'jump',
  ruleVersion: 1,
  playerId,
  eventId: 'evt-1',
  observed: 250_000,
  threshold: 5000,
  verdict: 'open',
  createdAt: from,
};
const rule = {
  id: 'flood',
  version: 1,
  mode: 'enforce',
  thresholds: { maxEvents: 10, maxStrikes: 3, strikeWindowSeconds: 60, blockSeconds: 300 },
  updatedAt: from,
};

const idempotencyKey = idempotencyKeyHeader(
  'Sent again with the same body it changes nothing and gets the same answer, for 24 hours',
  'block-1',
);

/** Each call as OpenAPI describes it. */
export const fairnessDocs: Docs<FairnessApi> = {
  check: {
    summary: 'Judge 1-1000 events before they are accepted; asked again about the same id, it counts once',
    request: CheckDto,
    answer: checkAnswer,
    example: {
      request: { events: [{ eventId: 'evt-1', type: 'boss_kill', playerId, points: 250 }] },
      answer: { verdicts: [{ decision: 'allow' }] },
    },
  },
  getPlayer: {
    summary: "A player's block, strikes and number of flags",
    request: GetPlayerDto,
    answer: playerAnswer,
    example: { request: { playerId }, answer: free },
  },
  blockPlayer: {
    summary: 'Block a player for some time, in place of any block there is',
    request: BlockPlayerDto,
    answer: playerAnswer,
    headers: { 'Idempotency-Key': idempotencyKey },
    errors: { 409: ['in_progress'], 422: ['idempotency_key_reused'] },
    example: {
      request: { playerId, seconds: 600, reason: 'speed hack' },
      answer: { ...free, blocked: true, blockedUntil: until, reason: 'speed hack' },
    },
  },
  unblockPlayer: {
    summary: "End a player's block and forget the strikes",
    request: UnblockPlayerDto,
    answer: playerAnswer,
    example: { request: { playerId }, answer: free },
  },
  listBlocks: {
    summary: 'The blocks that hold now, by player id',
    request: ListBlocksDto,
    answer: listBlocksAnswer,
    errors: { 400: ['page_token_invalid'] },
    example: {
      request: {},
      answer: {
        blocks: [{ playerId, rule: 'jump', reason: 'jump', blockedAt: from, blockedUntil: until }],
        nextPageToken: '',
      },
    },
  },
  listFlags: {
    summary: 'What the rules have found, newest first',
    request: ListFlagsDto,
    answer: listFlagsAnswer,
    errors: { 400: ['page_token_invalid'] },
    example: { request: { verdict: 'open' }, answer: { flags: [flag], nextPageToken: '' } },
  },
  reviewFlag: {
    summary: 'Say what a flag was worth; it may be said again',
    request: ReviewFlagDto,
    answer: flagAnswer,
    errors: { 404: ['flag_not_found'] },
    example: {
      request: { id: flag.id, verdict: 'confirmed' },
      answer: { ...flag, verdict: 'confirmed', reviewedAt: until },
    },
  },
  listRules: {
    summary: 'The rules with their thresholds',
    request: ListRulesDto,
    answer: listRulesAnswer,
    example: { request: {}, answer: { rules: [rule] } },
  },
  updateRule: {
    summary: "Change a rule's mode or some of its thresholds, everywhere within a second or two",
    request: UpdateRuleDto,
    answer: ruleAnswer,
    errors: { 404: ['rule_not_found'], 412: ['version_mismatch'] },
    example: {
      request: { id: 'flood', mode: 'shadow', thresholds: { maxEvents: 20 }, expectedVersion: 1 },
      answer: { ...rule, version: 2, mode: 'shadow', thresholds: { ...rule.thresholds, maxEvents: 20 } },
    },
  },
};
