import { ulid } from 'ulid';
import type { CheckedEvent } from '../../generated/aerie/fairness/v1/fairness';
import type { BlockRow, StoredFlag } from './fairness.entity';

export type Block = Omit<BlockRow, 'seq' | 'groupId'>;
export type Flag = Omit<StoredFlag, 'seq' | 'verdict' | 'reviewedAt'>;

/** A check has found these, and they have to be written. */
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
