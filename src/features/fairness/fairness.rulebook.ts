import { Injectable } from '@nestjs/common';
import type { Rule, UpdateRuleRequest } from '../../generated/aerie/fairness/v1/fairness';
import { toTime } from '../../shared/clock/time';
import { foreignThreshold, ruleNotFound, versionMismatch } from './fairness.errors';
import {
  foreignThresholds,
  initialRules,
  isRuleId,
  type Mode,
  type Rules,
  type StoredRule,
  withStored,
} from './fairness.rules';
import { RulesRepository } from './fairness.rules.repository';

/** The rules as this process knows them: its own changes at once, those of others when it looks again. */
@Injectable()
export class Rulebook {
  private rules = initialRules;
  private read = false;

  constructor(private readonly repository: RulesRepository) {}

  get current(): Rules {
    return this.rules;
  }

  /** Whether the rows were read at least once: nobody is judged by rules that may have been switched off. */
  get loaded(): boolean {
    return this.read;
  }

  async refresh(): Promise<void> {
    this.learn(await this.repository.all());
    this.read = true;
  }

  async list(): Promise<Rule[]> {
    const stored = await this.repository.all();
    this.learn(stored);
    return stored.map(toRule);
  }

  /** @throws AppError rule_not_found, validation_failed, version_mismatch */
  async update({ id, mode, thresholds = {}, expectedVersion }: UpdateRuleRequest): Promise<Rule> {
    if (!isRuleId(id)) throw ruleNotFound(id);
    const foreign = foreignThresholds(id, thresholds);
    if (foreign.length > 0) throw foreignThreshold(id, foreign);
    const stored = await this.repository.update(id, (rule) => {
      if (expectedVersion !== undefined && expectedVersion !== rule.version)
        throw versionMismatch(expectedVersion, rule.version);
      return { mode: (mode as Mode | undefined) ?? rule.mode, thresholds: { ...rule.thresholds, ...thresholds } };
    });
    if (!stored) throw ruleNotFound(id);
    this.learn([stored]);
    return toRule(stored);
  }

  private learn(stored: readonly StoredRule[]): void {
    this.rules = withStored(this.rules, stored);
  }
}

function toRule({ id, version, mode, thresholds, updatedAt }: StoredRule): Rule {
  return { id, version, mode, thresholds: { ...thresholds }, updatedAt: toTime(updatedAt) };
}
