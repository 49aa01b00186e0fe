import type { Feature } from '../shared/contract/feature';
import { authFeature } from './auth/auth.module';
import { chatFeature } from './chat/chat.module';
import { consoleFeature } from './console/console.module';
import { eventsGatewayFeature } from './events-gateway/events-gateway.module';
import { fairnessFeature } from './fairness/fairness.module';
import { leaderboardFeature } from './leaderboard/leaderboard.module';
import { paymentsFeature } from './payments/payments.module';
import { progressionFeature } from './progression/progression.module';
import { queueFeature } from './queue/queue.module';
import { reservationsFeature } from './reservations/reservations.module';
import { usersFeature } from './users/users.module';

/** The system at a glance. */
export const features: readonly Feature[] = [
  usersFeature,
  authFeature,
  eventsGatewayFeature,
  fairnessFeature,
  progressionFeature,
  leaderboardFeature,
  chatFeature,
  reservationsFeature,
  paymentsFeature,
  queueFeature,
  consoleFeature,
];
