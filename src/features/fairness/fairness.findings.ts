import { ulid } from 'ulid';
import type { CheckedEvent } from '../../generated/aerie/fairness/v1/fairness';
import type { RuleId } from './fairness.rules';

/** A player may not send events. Times in milliseconds since 1970; `changedAt` only grows, row by row. */
export interface Block {
  readonly playerId: string;
  readonly rule: string;
  readonly reason: string;
  readonly blockedAt: number;
  readonly blockedUntil: number;
  readonly changedAt: number;
}

export type FlagVerdict = 'open' | 'confirmed' | 'false_positive' | 'dismissed';

/** What a rule has found, with its evidence. Times in milliseconds since 1970. */
export interface Flag {
  readonly id: string;
  readonly rule: RuleId;
  readonly ruleVersion: number;
  readonly playerId: string;
  readonly eventId: string;
  readonly observed: number;
  readonly threshold: number;
  readonly createdAt: number;
}

/** What a check has found and has to be written. */
export interface Findings {
  readonly blocks: readonly Block[];
  readonly flags: readonly Flag[];
}

/** One of them. */
export type Finding = { readonly block: Block } | { readonly flag: Flag };

export function oneByOne({ blocks, flags }: Findings): Finding[] {
  return [...blocks.map((block) => ({ block })), ...flags.map((flag) => ({ flag }))];
}

export function findingsOf(findings: readonly Finding[]): Findings {
  const blocks = findings.flatMap((one) => ('block' in one ? [one.block] : []));
  return { blocks, flags: findings.flatMap((one) => ('flag' in one ? [one.flag] : [])) };
}

export function kindOf(finding: Finding): 'block' | 'flag' {
  return 'block' in finding ? 'block' : 'flag';
}

export function blockOf(playerId: string, rule: string, reason: string, now: number, seconds: number): Block {
  return { playerId, rule, reason, blockedAt: now, blockedUntil: now + seconds * 1000, changedAt: now };
}

export function flagOf(
  rule: Pick<Flag, 'rule' | 'ruleVersion'>,
  { playerId, eventId }: Pick<CheckedEvent, 'playerId' | 'eventId'>,
  evidence: Pick<Flag, 'observed' | 'threshold'>,
  now: number,
): Flag {
  return { id: ulid(now), ...rule, playerId, eventId, ...evidence, createdAt: now };
}
