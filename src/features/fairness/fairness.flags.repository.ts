import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import { insertNew, keyOf } from '../../shared/db/bulk';
import type { Database, Sql, Value } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import type { Flag, FlagVerdict } from './fairness.findings';
import type { RuleId } from './fairness.rules';

const columns = {
  id: 'text',
  rule: 'text',
  event_id: 'text',
  rule_version: 'int',
  player_id: 'text',
  observed: 'int',
  threshold: 'int',
  verdict: 'text',
  created_at: 'int',
} as const;
const selectFlag =
  'SELECT seq, id, rule, event_id, rule_version, player_id, observed, threshold, verdict, created_at, reviewed_at FROM fairness_flags';

/** A flag with its place in the list and what people said of it. */
export interface StoredFlag extends Flag {
  readonly seq: number;
  readonly verdict: FlagVerdict;
  readonly reviewedAt: number | null;
}

export interface FlagFilter {
  readonly playerId?: string | undefined;
  readonly rule?: string | undefined;
  readonly verdict?: string | undefined;
}

/** The table `fairness_flags`. */
@Injectable()
export class FlagsRepository {
  private readonly db: Database;

  constructor(
    databases: Databases,
    private readonly clock: Clock,
  ) {
    this.db = databases.of('fairness');
  }

  /** Flags before this place, newest first. */
  async list(filter: FlagFilter, before: number, limit: number): Promise<StoredFlag[]> {
    const wanted = { player_id: filter.playerId, rule: filter.rule, verdict: filter.verdict };
    const given = Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const conditions = ['seq < ?', ...given.map(([name]) => `${name} = ?`)].join(' AND ');
    const text = `${selectFlag} WHERE ${conditions} ORDER BY seq DESC LIMIT ?`;
    const params: Value[] = [before, ...given.map(([, value]) => value), limit];
    return (await this.db.read((sql) => sql.rows<FlagRow>(text, params))).map(toStored);
  }

  /** The player's flags, counted up to `limit`. */
  async countOf(playerId: string, limit: number): Promise<number> {
    const text =
      'SELECT COUNT(*) AS count FROM (SELECT seq FROM fairness_flags WHERE player_id = ? LIMIT ?) AS counted';
    const [row] = await this.db.read((sql) => sql.rows<{ count: number | string }>(text, [playerId, limit]));
    return Number(row?.count ?? 0);
  }

  /** Undefined when there is no such flag. */
  review(id: string, verdict: string): Promise<StoredFlag | undefined> {
    const now = this.clock.steady();
    return this.db.transaction(async (tx) => {
      await tx.run('UPDATE fairness_flags SET verdict = ?, reviewed_at = ? WHERE id = ?', [verdict, now, id]);
      const [row] = await tx.rows<FlagRow>(`${selectFlag} WHERE id = ?`, [id]);
      return row && toStored(row);
    });
  }
}

/** Inserts the flags that are new (one for each rule and event) and answers them. */
export async function insertFlags(tx: Sql, flags: readonly Flag[], groupId: number): Promise<Flag[]> {
  const rows = flags.map((flag) => [
    flag.id,
    flag.rule,
    flag.eventId,
    flag.ruleVersion,
    flag.playerId,
    thousandths(flag.observed),
    thousandths(flag.threshold),
    'open',
    flag.createdAt,
  ]);
  const fresh = await insertNew(tx, { table: 'fairness_flags', columns, key: ['rule', 'event_id'], rows, groupId });
  return flags.filter(({ rule, eventId }) => fresh.delete(keyOf([rule, eventId])));
}

/** Evidence is told, not reckoned with: what is beyond the column is the most that it can hold. */
function thousandths(value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.round(value * 1000));
}

interface FlagRow {
  readonly seq: number;
  readonly id: string;
  readonly rule: RuleId;
  readonly event_id: string;
  readonly rule_version: number;
  readonly player_id: string;
  readonly observed: number;
  readonly threshold: number;
  readonly verdict: FlagVerdict;
  readonly created_at: number;
  readonly reviewed_at: number | null;
}

function toStored(row: FlagRow): StoredFlag {
  return {
    seq: row.seq,
    id: row.id,
    rule: row.rule,
    ruleVersion: row.rule_version,
    playerId: row.player_id,
    eventId: row.event_id,
    observed: row.observed / 1000,
    threshold: row.threshold / 1000,
    verdict: row.verdict,
    createdAt: row.created_at,
    reviewedAt: row.reviewed_at,
  };
}
