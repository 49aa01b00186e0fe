import type { Feature } from '../shared/rpc/feature';
import { eventsGatewayFeature } from './events-gateway/events-gateway.module';
import { fairnessFeature } from './fairness/fairness.module';
import { leaderboardFeature } from './leaderboard/leaderboard.module';
import { progressionFeature } from './progression/progression.module';

/** The system at a glance. */
export const features: readonly Feature[] = [
  eventsGatewayFeature,
  fairnessFeature,
  progressionFeature,
  leaderboardFeature,
];
