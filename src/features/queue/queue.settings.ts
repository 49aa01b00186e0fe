import { decimal } from '../../shared/config/config.values';
import { settings } from '../../shared/config/settings';

const variables = {
  QUEUE_WATCHERS_MAX: decimal(1, 1_000_000)
    .default(10_000)
    .describe('Streams that watch places in waiting rooms at once, over both wires'),
  QUEUE_WATCHERS_PER_ADDRESS_MAX: decimal(1, 1_000_000).default(100).describe('Of them from one address'),
};

/** The variables that only the waiting room reads. */
export class QueueSettings extends settings(variables, (env) => ({
  watchers: env.QUEUE_WATCHERS_MAX,
  watchersPerAddress: env.QUEUE_WATCHERS_PER_ADDRESS_MAX,
})) {}
