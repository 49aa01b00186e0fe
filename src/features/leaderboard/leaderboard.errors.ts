import { AppError } from '../../shared/errors/app-error';
import { validationFailed } from '../../shared/errors/common.errors';
import type { WindowKind } from './leaderboard.calendar';

const spelling: Record<WindowKind, string> = {
  daily: 'must be a date such as 2026-11-21',
  weekly: 'must be an ISO week such as 2026-W47',
  seasonal: 'must be a season: one of SEASONS, or without those a quarter such as 2026-Q4',
};

export function keyInvalid(kind: WindowKind): AppError {
  return validationFailed([{ field: 'key', message: spelling[kind] }]);
}

export function noSeason(): AppError {
  return new AppError('not_found', 'season_not_found', 'No season runs now; name one with key');
}

export function playerNotRanked(playerId: string): AppError {
  return new AppError('not_found', 'player_not_ranked', `Player ${playerId} has no score on this leaderboard`);
}

export function snapshotNotFound(id: string): AppError {
  return new AppError('not_found', 'snapshot_not_found', `No snapshot has the id ${id}`);
}
