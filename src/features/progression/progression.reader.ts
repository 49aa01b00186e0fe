import { Injectable } from '@nestjs/common';
import type { Progress } from '../../generated/aerie/progression/v1/progression';
import { Cache } from '../../shared/cache/cache';
import { toTime } from '../../shared/clock/time';
import { progressSpace } from './progression.cache-space';
import { playerNotFound } from './progression.errors';
import { ProgressionRepository, type StoredProgress } from './progression.repository';
import { levelOf } from './progression.rewards';
import { ProgressionSettings } from './progression.settings';

/** Reads a player's progress, from the cache where it has it. */
@Injectable()
export class ProgressReader {
  constructor(
    private readonly repository: ProgressionRepository,
    private readonly cache: Cache,
    private readonly settings: ProgressionSettings,
  ) {}

  /** `owner`: undefined, or the one player who may be told. @throws AppError player_not_found */
  async progress(playerId: string, owner: string | undefined): Promise<Progress> {
    const stored = await this.cache.get<StoredProgress>(progressSpace, playerId);
    if (stored && (owner === undefined || owner === stored.playerId)) return this.toProgress(stored);
    const found = await this.repository.player(playerId, owner);
    if (!found) throw playerNotFound(playerId);
    await this.cache.put(progressSpace, playerId, found, found.version);
    return this.toProgress(found);
  }

  private toProgress({ playerId, xp, bossKills, dropsClaimed, version, updatedAt }: StoredProgress): Progress {
    const { levelXp } = this.settings;
    const xpIntoLevel = xp % levelXp;
    return {
      playerId,
      xp,
      level: levelOf(xp, levelXp),
      xpIntoLevel,
      xpForNextLevel: levelXp - xpIntoLevel,
      bossKills,
      dropsClaimed,
      version,
      updatedAt: toTime(updatedAt),
    };
  }
}
