import type { VerifyLeaderboardResponse } from '../../generated/aerie/leaderboard/v1/leaderboard';
import type { RedisClient } from '../../shared/redis/redis.client';
import type { PlayerScore } from './leaderboard.ranking';
import { inspectScript, repairScript, scoreArgs, scoresOf } from './leaderboard.redis-scripts';
import type { LeaderboardRepository } from './leaderboard.repository';

const partSize = 500;

/** One comparison of a board in Redis with the database, which is right, and the repair of what differs. */
export class RedisBoardVerifier {
  private checked = 0;
  private differing = 0;

  constructor(
    private readonly client: RedisClient,
    private readonly keys: readonly [order: string, players: string, meta: string],
    private readonly windowId: number,
    private readonly repository: LeaderboardRepository,
  ) {}

  /** @throws AppError unavailable (the database); the error of Redis */
  async verify(): Promise<VerifyLeaderboardResponse> {
    for (let last: string | undefined = ''; last !== undefined; ) last = await this.compareStored(last);
    await this.compareRanked();
    return { checked: this.checked, differing: this.differing, repaired: this.differing };
  }

  /** Looks for the next stored scores in Redis. Returns the last player id where more follow. */
  private async compareStored(after: string): Promise<string | undefined> {
    const rows = await this.repository.byPlayer(this.windowId, after, partSize);
    this.checked += rows.length;
    const suspects = await this.differingOf(rows);
    // A change may have come between the two: what still differs is wrong.
    const again = suspects.length === 0 ? [] : await this.repository.of(this.windowId, suspects);
    for (const score of again) if ((await this.differingOf([score])).length > 0) await this.repair(scoreArgs(score));
    return rows.length === partSize ? rows.at(-1)?.playerId : undefined;
  }

  /** The ids of those whose score in Redis is another, or in another place; not where Redis is behind, or already ahead. */
  private async differingOf(rows: readonly (PlayerScore & { readonly revision?: number })[]): Promise<string[]> {
    if (rows.length === 0) return [];
    const ids = rows.map(({ playerId }) => playerId);
    const [revision, ...found] = (await inspectScript.run(this.client, this.keys, ids)) as [number, ...string[]];
    return rows.flatMap((row, i) => {
      if ((row.revision ?? 0) > revision) return [];
      const [, points, time] = scoreArgs(row);
      const [kept, ordered, keptTime] = found.slice(3 * i, 3 * i + 3);
      return kept === points && ordered === `-${points}` && keptTime === time ? [] : [row.playerId];
    });
  }

  /** Looks for the players of Redis in the database. */
  private async compareRanked(): Promise<void> {
    const [order] = this.keys;
    for (let from = 0; ; from += partSize) {
      const part = scoresOf(await this.client.zrange(order, from, from + partSize - 1, 'WITHSCORES'));
      const stored = await this.repository.of(
        this.windowId,
        part.map(({ playerId }) => playerId),
      );
      const known = new Set(stored.map(({ playerId }) => playerId));
      const strangers = part.filter(({ playerId }) => !known.has(playerId));
      for (const { playerId } of strangers) await this.repair([playerId]);
      if (part.length < partSize) return;
      // Those who were taken out have made room.
      from -= strangers.length;
    }
  }

  private async repair(args: readonly string[]): Promise<void> {
    this.differing += 1;
    await repairScript.run(this.client, this.keys, args);
  }
}
