import { AppError } from '../../shared/errors/app-error';

export function playerNotFound(playerId: string): AppError {
  return new AppError('not_found', 'player_not_found', `No event of player ${playerId} was counted yet`);
}

export function rewardNotFound(playerId: string, rewardId: string): AppError {
  return new AppError('not_found', 'reward_not_found', `Player ${playerId} has not earned ${rewardId}`);
}
