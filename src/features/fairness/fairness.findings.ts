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

/** Each block and each flag by itself. */
export function oneByOne({ blocks, flags }: Findings): Findings[] {
  return [
    ...blocks.map((block) => ({ blocks: [block], flags: [] })),
    ...flags.map((flag) => ({ blocks: [], flags: [flag] })),
  ];
}

export function together(findings: readonly Findings[]): Findings {
  return { blocks: findings.flatMap(({ blocks }) => blocks), flags: findings.flatMap(({ flags }) => flags) };
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
