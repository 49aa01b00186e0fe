import type { ProgressionService } from '../../generated/aerie/progression/v1/progression';
import type { Contract } from '../../shared/contract/contract';

/** The calls of progression, for other features, other processes and the client library. */
export abstract class ProgressionApi {
  abstract getProgress: ProgressionService['getProgress'];
  abstract listRewards: ProgressionService['listRewards'];
  abstract claimReward: ProgressionService['claimReward'];
  abstract verifyReward: ProgressionService['verifyReward'];
}

export const progressionContract: Contract<ProgressionApi> = {
  name: 'progression',
  token: ProgressionApi,
  proto: { package: 'aerie.progression.v1', service: 'ProgressionService' },
  routes: {
    getProgress: { http: 'GET /players/:playerId/progress', access: 'player', retry: true },
    listRewards: { http: 'GET /players/:playerId/rewards', access: 'player', retry: true },
    claimReward: { http: 'POST /rewards/claim', access: 'player', retry: true },
    verifyReward: { http: 'POST /rewards/verify', access: 'public', retry: true },
  },
};
