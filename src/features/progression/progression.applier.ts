import { Injectable } from '@nestjs/common';
import { Cache, type Copy } from '../../shared/cache/cache';
import { Clock } from '../../shared/clock/clock';
import type { Place } from '../../shared/log/place';
import type { Passed, Source } from '../../shared/log/place.repository';
import type { JournalEvent } from '../events-gateway/events-gateway.events';
import type { PlayerRow } from './progression.entity';
import { ProgressionMetrics } from './progression.metrics';
import { ProgressionRepository, type ProgressionSteps } from './progression.repository';
import { chestsBetween, type Entitlement, levelOf, type PlayerDelta } from './progression.rewards';
import { ProgressionSettings } from './progression.settings';

export const progressSpace = { service: 'progression', name: 'progress' } as const;

export function progressCopy(player: PlayerRow): Copy {
  return { key: player.playerId, value: player, version: player.version };
}

interface Applied {
  readonly fresh: readonly JournalEvent[];
  readonly players: readonly PlayerRow[];
  readonly levelUps: number;
}

/** Turns accepted events into XP, levels and rewards, exactly once: the place commits together with the effect. */
@Injectable()
export class ProgressionApplier {
  constructor(
    private readonly repository: ProgressionRepository,
    private readonly cache: Cache,
    private readonly metrics: ProgressionMetrics,
    private readonly clock: Clock,
    private readonly settings: ProgressionSettings,
  ) {}

  /** Events that were passed before have no second effect. @throws as `PlaceRepository.pass` */
  async apply(events: readonly JournalEvent[], source: Source): Promise<Place> {
    const started = this.clock.monotonic();
    const players = [...new Set(events.map(({ playerId }) => playerId))];
    const work = () => this.repository.apply(events, source, (step, fresh) => this.transact(step, fresh));
    const made = ({ effect }: Passed<Applied>): Copy[] => (effect?.players ?? []).map(progressCopy);
    const { place, effect } = await this.cache.change(progressSpace, players, work, made);
    if (!effect) return place;
    const { fresh, levelUps } = effect;
    const now = this.clock.steady();
    for (const event of fresh) this.metrics.applied(event.type, now - event.acceptedAt);
    this.metrics.levelUps(levelUps);
    this.metrics.appliedGroup(this.clock.monotonic() - started);
    return place;
  }

  private async transact(step: ProgressionSteps, fresh: readonly JournalEvent[]): Promise<Applied> {
    const { deltas, entitlements } = effectsOf(fresh);
    for (const { playerId, kind } of await step.entitle(entitlements)) {
      const delta = deltas.get(playerId);
      if (delta && kind === 'drop') delta.drops += 1;
    }
    const now = this.clock.steady();
    const players = await step.add(deltas.values(), now);
    let levelUps = 0;
    const chests: Entitlement[] = [];
    for (const { playerId, xp } of players) {
      const before = levelOf(xp - (deltas.get(playerId)?.xp ?? 0), this.settings.levelXp);
      const after = levelOf(xp, this.settings.levelXp);
      levelUps += after - before;
      for (const rewardId of chestsBetween(before, after))
        chests.push({ playerId, rewardId, kind: 'chest', earnedAt: now });
    }
    await step.entitle(chests);
    return { fresh, players, levelUps };
  }
}

/**
 * The rules: which events are worth what to whom. Rewards are those of first kills and of drops; one that is there already
 * has no effect.
 */
function effectsOf(events: readonly JournalEvent[]): {
  readonly deltas: ReadonlyMap<string, PlayerDelta>;
  readonly entitlements: readonly Entitlement[];
} {
  const deltas = new Map<string, PlayerDelta>();
  const entitlements: Entitlement[] = [];
  for (const { playerId, points, occurredAt, bossId, dropId } of events) {
    const delta = deltas.get(playerId) ?? { playerId, xp: 0, bossKills: 0, drops: 0 };
    deltas.set(playerId, delta);
    delta.xp += points;
    if (bossId !== undefined) {
      delta.bossKills += 1;
      entitlements.push({ playerId, rewardId: `boss-${bossId}`, kind: 'boss', earnedAt: occurredAt });
    }
    if (dropId !== undefined)
      entitlements.push({ playerId, rewardId: `drop-${dropId}`, kind: 'drop', earnedAt: occurredAt });
  }
  return { deltas, entitlements };
}
