import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { isRuleId, type Mode, type RuleId, type StoredRule } from './fairness.rules';

const selectRule = 'SELECT id, version, mode, thresholds, updated_at FROM fairness_rules';

/** The table `fairness_rules`: one row for each rule. */
@Injectable()
export class RulesRepository {
  private readonly db: Database;

  constructor(
    databases: Databases,
    private readonly clock: Clock,
  ) {
    this.db = databases.of('fairness');
  }

  async all(): Promise<StoredRule[]> {
    const rows = await this.db.read((sql) => sql.rows<RuleRow>(`${selectRule} ORDER BY id`));
    // A later version of this program may know more rules.
    return rows.filter(({ id }) => isRuleId(id)).map(toStored);
  }

  /** Stores what `change` makes of the rule, as the next version; undefined when there is no such rule. */
  update(
    id: RuleId,
    change: (rule: StoredRule) => Pick<StoredRule, 'mode' | 'thresholds'>,
  ): Promise<StoredRule | undefined> {
    const now = this.clock.steady();
    return this.db.transaction(async (tx) => {
      // First the lock on the row: of two changes at once the second sees what the first has made.
      const found = await tx.run('UPDATE fairness_rules SET version = version + 1, updated_at = ? WHERE id = ?', [
        now,
        id,
      ]);
      const [row] = found === 0 ? [] : await tx.rows<RuleRow>(`${selectRule} WHERE id = ?`, [id]);
      if (!row) return undefined;
      const next = toStored(row);
      const { mode, thresholds } = change({ ...next, version: next.version - 1 });
      await tx.run('UPDATE fairness_rules SET mode = ?, thresholds = ? WHERE id = ?', [
        mode,
        JSON.stringify(thresholds),
        id,
      ]);
      return { ...next, mode, thresholds };
    });
  }
}

interface RuleRow {
  readonly id: string;
  readonly version: number;
  readonly mode: Mode;
  readonly thresholds: string;
  readonly updated_at: number;
}

function toStored(row: RuleRow): StoredRule {
  return {
    id: row.id as RuleId,
    version: row.version,
    mode: row.mode,
    thresholds: JSON.parse(row.thresholds) as StoredRule['thresholds'],
    updatedAt: row.updated_at,
  };
}
