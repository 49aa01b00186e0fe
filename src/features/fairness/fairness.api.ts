import type { FairnessService } from '../../generated/aerie/fairness/v1/fairness';
import type { Contract, WithMeta } from '../../shared/contract/contract';

/** The calls of fairness, for other features, other processes and the client library. */
export abstract class FairnessApi {
  abstract check: FairnessService['check'];
  abstract getPlayer: FairnessService['getPlayer'];
  abstract blockPlayer: WithMeta<FairnessService['blockPlayer']>;
  abstract unblockPlayer: FairnessService['unblockPlayer'];
  abstract listBlocks: FairnessService['listBlocks'];
  abstract listFlags: FairnessService['listFlags'];
  abstract reviewFlag: FairnessService['reviewFlag'];
  abstract listRules: FairnessService['listRules'];
  abstract updateRule: FairnessService['updateRule'];
}

export const fairnessContract: Contract<FairnessApi> = {
  name: 'fairness',
  token: FairnessApi,
  proto: { package: 'aerie.fairness.v1', service: 'FairnessService' },
  routes: {
    check: { http: 'POST /fairness/check', access: 'admin', bodyLimit: 512 * 1024, retry: true, grouped: true },
    getPlayer: { http: 'GET /fairness/players/:playerId', access: 'admin', retry: true },
    blockPlayer: { http: 'POST /fairness/players/:playerId/block', access: 'admin' },
    unblockPlayer: { http: 'DELETE /fairness/players/:playerId/block', access: 'admin', retry: true },
    listBlocks: { http: 'GET /fairness/blocks', access: 'admin', retry: true },
    listFlags: { http: 'GET /fairness/flags', access: 'admin', retry: true },
    reviewFlag: { http: 'POST /fairness/flags/:id/review', access: 'admin', retry: true },
    listRules: { http: 'GET /fairness/rules', access: 'admin', retry: true },
    updateRule: { http: 'PATCH /fairness/rules/:id', access: 'admin' },
  },
};
