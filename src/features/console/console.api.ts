import type { ConsoleService } from '../../generated/aerie/console/v1/console';
import type { Contract } from '../../shared/contract/contract';

/** The calls of the console beside those of all other features, which its page makes like everybody. */
export abstract class ConsoleApi {
  abstract getStats: ConsoleService['getStats'];
}

export const consoleContract: Contract<ConsoleApi> = {
  name: 'console',
  token: ConsoleApi,
  proto: { package: 'aerie.console.v1', service: 'ConsoleService' },
  routes: { getStats: { http: 'GET /console/stats', access: 'admin', retry: true } },
};
