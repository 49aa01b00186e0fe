import { Injectable } from '@nestjs/common';
import { inList, insertNew, keyOf, upsertAdd } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { enterInbox } from '../../shared/db/inbox';
import { ownedBy } from '../../shared/db/ownership';
import type { Sql } from '../../shared/db/sql';
import type { PlayerDelta } from './progression.effects';
import type { Entitlement, RewardKind, StoredReward } from './progression.rewards';

/** A player's sums. `updatedAt` in milliseconds since 1970. */
export interface StoredProgress {
  readonly playerId: string;
  readonly xp: number;
  readonly bossKills: number;
  readonly dropsClaimed: number;
  readonly version: number;
  readonly updatedAt: number;
}

/** Whose rewards, of which status, for the eyes of whom. */
export interface RewardFilter {
  readonly playerId: string;
  readonly status: string | undefined;
  readonly owner: string | undefined;
}

/** `claimedAt` in milliseconds since 1970. */
export interface Claim {
  readonly playerId: string;
  readonly rewardId: string;
  readonly receipt: string;
  readonly claimedAt: number;
}

const playerColumns = {
  player_id: 'text',
  xp: 'int',
  boss_kills: 'int',
  drops_claimed: 'int',
  version: 'int',
  updated_at: 'int',
} as const;
const rewardColumns = { player_id: 'text', reward_id: 'text', kind: 'text', status: 'text', earned_at: 'int' } as const;
const selectPlayer = 'SELECT player_id, xp, boss_kills, drops_claimed, version, updated_at FROM progression_players';
const selectReward =
  'SELECT seq, player_id, reward_id, kind, status, earned_at, claimed_at, receipt FROM progression_rewards';

// A group of large events can earn tens of thousands of chests; one statement takes so many rows at most.
const maxRewardRows = 1000;

/** The tables of progression. */
@Injectable()
export class ProgressionRepository {
  private readonly db: Database;

  constructor(databases: Databases) {
    this.db = databases.of('progression');
  }

  /** Everything that `work` does is one transaction; it gives way to the intake of events. */
  apply<Result>(groupId: number, work: (step: ApplySteps) => Promise<Result>): Promise<Result> {
    return this.db.transaction((tx) => work(new ApplySteps(tx, groupId)), { priority: 'background' });
  }

  /** `owner`: undefined, or the one player whose rows this may touch; so for all that follow. */
  async player(playerId: string, owner?: string): Promise<StoredProgress | undefined> {
    const owned = ownedBy('player_id', owner);
    const text = `${selectPlayer} WHERE player_id = ?${owned.text}`;
    const rows = await this.db.read((sql) => sql.rows<PlayerRow>(text, [playerId, ...owned.params]));
    return rows[0] && toProgress(rows[0]);
  }

  async reward(playerId: string, rewardId: string, owner?: string): Promise<StoredReward | undefined> {
    const owned = ownedBy('player_id', owner);
    const text = `${selectReward} WHERE player_id = ? AND reward_id = ?${owned.text}`;
    const rows = await this.db.read((sql) => sql.rows<RewardRow>(text, [playerId, rewardId, ...owned.params]));
    return rows[0] && toStored(rows[0]);
  }

  async rewards({ playerId, status, owner }: RewardFilter, after: number, limit: number): Promise<StoredReward[]> {
    const owned = ownedBy('player_id', owner);
    const filter = status === undefined ? '' : ' AND status = ?';
    const params = [playerId, after, ...(status === undefined ? [] : [status]), ...owned.params, limit];
    const text = `${selectReward} WHERE player_id = ? AND seq > ?${filter}${owned.text} ORDER BY seq LIMIT ?`;
    return (await this.db.read((sql) => sql.rows<RewardRow>(text, params))).map(toStored);
  }

  /** Whether this very call claimed it: of any number at once one does. */
  async claim(claim: Claim, owner?: string): Promise<boolean> {
    const { playerId, rewardId, receipt, claimedAt } = claim;
    const owned = ownedBy('player_id', owner);
    const text = `UPDATE progression_rewards SET status = 'claimed', claimed_at = ?, receipt = ? WHERE player_id = ? AND reward_id = ? AND status = 'available'${owned.text}`;
    const params = [claimedAt, receipt, playerId, rewardId, ...owned.params];
    return this.db.transaction(async (tx) => (await tx.run(text, params)) === 1);
  }
}

/** The steps of applying one group, within its transaction. */
export class ApplySteps {
  constructor(
    private readonly tx: Sql,
    private readonly groupId: number,
  ) {}

  /** Puts the ids into the inbox and answers those that were not there. */
  enter(eventIds: readonly string[]): Promise<Set<string>> {
    return enterInbox(this.tx, 'progression_inbox', eventIds, this.groupId);
  }

  /** The entitlements that are new. */
  async entitle(entitlements: readonly Entitlement[]): Promise<Entitlement[]> {
    const earned: Entitlement[] = [];
    for (let from = 0; from < entitlements.length; from += maxRewardRows) {
      const part = entitlements.slice(from, from + maxRewardRows);
      const rows = part.map(({ playerId, rewardId, kind, earnedAt }) => [
        playerId,
        rewardId,
        kind,
        'available',
        earnedAt,
      ]);
      const key = ['player_id', 'reward_id'];
      const fresh = await insertNew(this.tx, {
        table: 'progression_rewards',
        columns: rewardColumns,
        key,
        rows,
        groupId: this.groupId,
      });
      for (const one of part) if (fresh.delete(keyOf([one.playerId, one.rewardId]))) earned.push(one);
    }
    return earned;
  }

  /** Adds to the players' sums and answers what they are then. */
  async add(deltas: Iterable<PlayerDelta & { readonly drops: number }>, now: number): Promise<StoredProgress[]> {
    const rows = [...deltas].map(({ playerId, xp, bossKills, drops }) => [playerId, xp, bossKills, drops, 1, now]);
    await upsertAdd(this.tx, {
      table: 'progression_players',
      columns: playerColumns,
      key: ['player_id'],
      rows,
      add: ['xp', 'boss_kills', 'drops_claimed', 'version'],
      set: ['updated_at'],
    });
    const list = inList(rows.map(([playerId]) => playerId as string));
    return (await this.tx.rows<PlayerRow>(`${selectPlayer} WHERE player_id IN ${list.text}`, list.params)).map(
      toProgress,
    );
  }
}

interface PlayerRow {
  readonly player_id: string;
  readonly xp: number;
  readonly boss_kills: number;
  readonly drops_claimed: number;
  readonly version: number;
  readonly updated_at: number;
}

interface RewardRow {
  readonly seq: number;
  readonly player_id: string;
  readonly reward_id: string;
  readonly kind: RewardKind;
  readonly status: 'available' | 'claimed';
  readonly earned_at: number;
  readonly claimed_at: number | null;
  readonly receipt: string | null;
}

function toProgress(row: PlayerRow): StoredProgress {
  return {
    playerId: row.player_id,
    xp: row.xp,
    bossKills: row.boss_kills,
    dropsClaimed: row.drops_claimed,
    version: row.version,
    updatedAt: row.updated_at,
  };
}

function toStored(row: RewardRow): StoredReward {
  return {
    seq: row.seq,
    playerId: row.player_id,
    rewardId: row.reward_id,
    kind: row.kind,
    status: row.status,
    earnedAt: row.earned_at,
    claimedAt: row.claimed_at,
    receipt: row.receipt,
  };
}
