import { decimal } from '../../shared/config/config.values';
import { settings } from '../../shared/config/settings';

const variables = {
  RESERVATION_WATCHERS_MAX: decimal(1, 1_000_000)
    .default(10_000)
    .describe('Streams that watch reservations at once, over both wires'),
  RESERVATION_WATCHERS_PER_ADDRESS_MAX: decimal(1, 1_000_000).default(100).describe('Of them from one address'),
};

/** The variables that only reservations reads. */
export class ReservationsSettings extends settings(variables, (env) => ({
  watchers: env.RESERVATION_WATCHERS_MAX,
  watchersPerAddress: env.RESERVATION_WATCHERS_PER_ADDRESS_MAX,
})) {}
