import type { AcceptedEvent } from '../../generated/aerie/events_gateway/v1/events_gateway';
import type { Topic } from '../../shared/bus/bus';

/** Every accepted event, at least once to each consumer; keyed by player. */
export const acceptedEvents: Topic<AcceptedEvent> = { name: 'accepted-events' };
