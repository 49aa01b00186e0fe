import { z } from 'zod';
import { decimal } from '../../shared/config/config.values';
import { settings } from '../../shared/config/settings';

const variables = {
  RATE_LIMIT_MAX: decimal(0, 1_000_000).default(0).describe('Events a second for each signing key; 0: no limit'),
  RATE_LIMIT_BURST: decimal(1, 1_000_000).optional().describe('Events that may come at once; unset: RATE_LIMIT_MAX'),
  FAIRNESS_ON_FAILURE: z
    .enum(['allow', 'deny'], 'must be allow or deny')
    .default('allow')
    .describe('allow | deny: what becomes of events while fairness does not answer'),
};

/** The settings of the events gateway, out of variables that nobody else reads. */
export class EventsGatewaySettings extends settings(variables, (env) => ({
  /** Events a second and key; 0: no limit. */
  rateLimitMax: env.RATE_LIMIT_MAX,
  rateLimitBurst: env.RATE_LIMIT_BURST ?? Math.max(1, env.RATE_LIMIT_MAX),
  /** Decides about events while fairness does not answer. */
  fairnessOnFailure: env.FAIRNESS_ON_FAILURE,
})) {}
