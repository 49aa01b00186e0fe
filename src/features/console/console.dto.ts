import { z } from 'zod';
import type { GetStatsRequest } from '../../generated/aerie/console/v1/console';
import { dto } from '../../shared/contract/dto';
import { timeAnswer } from '../../shared/contract/schemas';

export class GetStatsDto extends dto<GetStatsRequest>(z.strictObject({})) {}

const count = z.number().int();
const counts = z.array(z.object({ name: z.string(), count }));

export const statsAnswer = z.object({
  asOf: timeAnswer,
  processId: z.string(),
  process: z.string(),
  status: z.string(),
  checks: z.array(z.object({ name: z.string(), status: z.string(), reason: z.string() })),
  circuits: z.array(z.object({ dependency: z.string(), address: z.string(), state: z.string() })),
  load: z.object({ cpuSeconds: z.number(), memoryBytes: count }),
  requests: counts,
  events: counts,
  refused: counts,
  consumers: z.array(z.object({ consumer: z.string(), events: count, seconds: z.number(), givenUp: count })),
  outboxes: z.array(
    z.object({ feature: z.string(), consumer: z.string(), waiting: count, seconds: z.number(), parked: count }),
  ),
  decisions: z.array(z.object({ rule: z.string(), action: z.string(), mode: z.string(), count })),
  boards: counts,
  chatClients: counts,
  chatMessages: counts,
  chatDropped: counts,
  reservations: counts,
  payments: counts,
  queue: counts,
});
