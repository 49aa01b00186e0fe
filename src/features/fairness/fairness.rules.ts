import type { Thresholds } from '../../generated/aerie/fairness/v1/fairness';

/** shadow: counts what it would do and changes no answer. */
export type Mode = 'off' | 'shadow' | 'enforce';

interface RuleState<Limits> {
  readonly version: number;
  readonly mode: Mode;
  readonly thresholds: Readonly<Limits>;
}

function initial<Limits extends Thresholds>(thresholds: Limits): RuleState<Limits> {
  return { version: 0, mode: 'enforce', thresholds };
}

/** These hold where a row says nothing; version 0: no row was read yet. */
export const initialRules = {
  flood: initial({ maxEvents: 10, maxStrikes: 3, strikeWindowSeconds: 60, blockSeconds: 300 }),
  jump: initial({ progressionPoints: 1000, bossKillPoints: 5000, dropClaimedPoints: 10_000, blockSeconds: 600 }),
  outlier: initial({ minSamples: 10, maxDeviations: 3.5 }),
};

/** The rules as the judge reads them. */
export type Rules = Readonly<typeof initialRules>;
export type RuleId = keyof Rules;

/** A rule as it is stored. `updatedAt` in milliseconds since 1970. */
export interface StoredRule extends RuleState<Thresholds> {
  readonly id: RuleId;
  readonly updatedAt: number;
}

export function isRuleId(id: string): id is RuleId {
  return Object.hasOwn(initialRules, id);
}

/** The names of thresholds that this rule does not have. */
export function foreignThresholds(id: RuleId, thresholds: Readonly<Thresholds>): string[] {
  return Object.entries(thresholds)
    .filter(([name, value]) => value !== undefined && !Object.hasOwn(initialRules[id].thresholds, name))
    .map(([name]) => name);
}

/** The rules with those of `stored` that are newer. */
export function withStored(rules: Rules, stored: readonly StoredRule[]): Rules {
  const next: Record<string, RuleState<Thresholds>> = { ...rules };
  for (const { id, version, mode, thresholds } of stored) {
    if (version > rules[id].version)
      next[id] = { version, mode, thresholds: { ...initialRules[id].thresholds, ...thresholds } };
  }
  return next as unknown as Rules;
}

/** The most points that an event of this type may be worth. */
export function capOf(limits: Rules['jump']['thresholds'], type: string): number {
  if (type === 'progression') return limits.progressionPoints;
  if (type === 'boss_kill') return limits.bossKillPoints;
  return type === 'drop_claimed' ? limits.dropClaimedPoints : Number.POSITIVE_INFINITY;
}
