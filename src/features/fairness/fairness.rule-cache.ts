import { Injectable } from '@nestjs/common';
import { FairnessRepository } from './fairness.repository';
import { initialRules, type Rules, type StoredRule, withStored } from './fairness.rules';

/** The rules as this process knows them: its own changes at once, those of others when it looks again. */
@Injectable()
export class RuleCache {
  private rules: Rules = initialRules;
  private read = false;

  constructor(private readonly repository: FairnessRepository) {}

  get current(): Rules {
    return this.rules;
  }

  /** True once the rows were read: nobody is judged by rules that may have been switched off. */
  get loaded(): boolean {
    return this.read;
  }

  /** Reads the rows, and answers them. @throws AppError unavailable */
  async refresh(): Promise<readonly StoredRule[]> {
    const stored = await this.repository.rules();
    this.learn(stored);
    this.read = true;
    return stored;
  }

  /** Of two versions of a rule the later one stays. */
  learn(stored: readonly StoredRule[]): void {
    this.rules = withStored(this.rules, stored);
  }
}
