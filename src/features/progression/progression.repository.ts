import { Injectable } from '@nestjs/common';
import { MoreThan } from 'typeorm';
import { inList, insertNew, keyOf, newGroupId, upsertAdd } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { columnsOf, ownedId, rowsOf, selectOne } from '../../shared/db/entity';
import { ownedBy } from '../../shared/db/ownership';
import type { Sql } from '../../shared/db/sql';
import type { Numbered } from '../../shared/log/place';
import { type Passed, PlaceRepository, type Source } from '../../shared/log/place.repository';
import { type PlayerRow, playersTable, type RewardRow, rewardsTable } from './progression.entity';
import type { Entitlement, PlayerDelta } from './progression.rewards';

/** Rewards of a player, of one status or all, as `owner` may see them. */
export interface RewardFilter {
  readonly playerId: string;
  readonly status: string | undefined;
  readonly owner: string | undefined;
}

export type Claim = Pick<RewardRow, 'playerId' | 'rewardId'> & { readonly receipt: string; readonly claimedAt: number };

const playerColumns = {
  player_id: 'text',
  xp: 'int',
  boss_kills: 'int',
  drops_claimed: 'int',
  version: 'int',
  updated_at: 'int',
} as const;
const rewardColumns = { player_id: 'text', reward_id: 'text', kind: 'text', status: 'text', earned_at: 'int' } as const;

// A group of large events can earn tens of thousands of chests; one statement takes so many rows at most.
const maxRewardRows = 1000;

/**
 * The tables of progression. Events are applied in groups by a few statements of many rows, and a player's progress is a
 * plain read: games ask for it all the time. `owner`: the only player whose rows may be touched; undefined: all.
 */
@Injectable()
export class ProgressionRepository {
  readonly places: PlaceRepository;
  private readonly db: Database;

  constructor(databases: Databases) {
    this.db = databases.of('progression');
    this.places = new PlaceRepository(this.db, 'progression');
  }

  /** As `PlaceRepository.pass`. */
  apply<Event extends Numbered, Effect>(
    events: readonly Event[],
    source: Source,
    effect: (step: ProgressionSteps, fresh: readonly Event[]) => Promise<Effect>,
  ): Promise<Passed<Effect>> {
    return this.places.pass(events, source, (tx, fresh) => effect(new ProgressionSteps(tx), fresh));
  }

  player(playerId: string, owner?: string): Promise<PlayerRow | undefined> {
    const owned = ownedBy('player_id', owner);
    const where = `WHERE player_id = ?${owned.text}`;
    return this.db.read((sql) => selectOne(sql, playersTable, where, [playerId, ...owned.params]));
  }

  reward(playerId: string, rewardId: string, owner?: string): Promise<RewardRow | undefined> {
    const owned = ownedBy('player_id', owner);
    const where = `WHERE player_id = ? AND reward_id = ?${owned.text}`;
    return this.db.read((sql) => selectOne(sql, rewardsTable, where, [playerId, rewardId, ...owned.params]));
  }

  /** Oldest first. */
  rewards({ playerId, status, owner }: RewardFilter, afterSeq: number, take: number): Promise<RewardRow[]> {
    const owned = { playerId: ownedId(playerId, owner), ...(status === undefined ? {} : { status }) };
    const where = { ...owned, seq: MoreThan(afterSeq) };
    return this.db.read((sql) => rowsOf(sql, rewardsTable).find({ where, order: { seq: 'ASC' }, take }));
  }

  /** True when this very call claimed it: of any number at once one does. */
  claim({ playerId, rewardId, ...claim }: Claim, owner?: string): Promise<boolean> {
    const where = { playerId: ownedId(playerId, owner), rewardId, status: 'available' };
    const change = { ...claim, status: 'claimed' };
    return this.db.transaction(async (tx) => (await rowsOf(tx, rewardsTable).update(where, change)).affected === 1);
  }
}

/** The steps of applying one group, within its transaction. */
export class ProgressionSteps {
  private readonly groupId = newGroupId();

  constructor(private readonly tx: Sql) {}

  /** The entitlements that are new. */
  async entitle(entitlements: readonly Entitlement[]): Promise<Entitlement[]> {
    const earned: Entitlement[] = [];
    const into = { table: rewardsTable.name, columns: rewardColumns, key: ['player_id', 'reward_id'] };
    for (let from = 0; from < entitlements.length; from += maxRewardRows) {
      const part = entitlements.slice(from, from + maxRewardRows);
      const rows = part.map((one) => [one.playerId, one.rewardId, one.kind, 'available', one.earnedAt]);
      const fresh = await insertNew(this.tx, { ...into, rows, groupId: this.groupId });
      for (const one of part) if (fresh.delete(keyOf([one.playerId, one.rewardId]))) earned.push(one);
    }
    return earned;
  }

  /** Adds to the players' sums and answers what they are then. */
  async add(deltas: Iterable<PlayerDelta>, now: number): Promise<PlayerRow[]> {
    const rows = [...deltas].map(({ playerId, xp, bossKills, drops }) => [playerId, xp, bossKills, drops, 1, now]);
    const players = rows.map(([playerId]) => playerId as string);
    const { text, params } = inList(this.tx.kind, players);
    const upsert = {
      table: playersTable.name,
      columns: playerColumns,
      key: ['player_id'],
      rows,
      add: ['xp', 'boss_kills', 'drops_claimed', 'version'],
      set: ['updated_at'],
    };
    const list = columnsOf(playersTable, this.tx.kind);
    return upsertAdd<PlayerRow>(this.tx, upsert, { list, rest: `WHERE player_id ${text}`, params });
  }
}
