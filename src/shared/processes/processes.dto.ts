import { z } from 'zod';
import type { GetProcessRequest, ListProcessesRequest } from '../../generated/aerie/processes/v1/processes';
import { dto } from '../contract/dto';
import { timeAnswer } from '../contract/schemas';

export class GetProcessDto extends dto<GetProcessRequest>(z.strictObject({})) {}

export class ListProcessesDto extends dto<ListProcessesRequest>(z.strictObject({})) {}

export const processAnswer = z.object({
  id: z.string(),
  host: z.string(),
  pid: z.number().int(),
  addresses: z.array(z.string()),
  version: z.string(),
  startedAt: timeAnswer,
  modules: z.array(z.string()),
  exposes: z.array(z.string()),
  status: z.string(),
  checks: z.array(z.object({ name: z.string(), status: z.string(), reason: z.string() })),
  consumers: z.array(z.object({ consumer: z.string(), events: z.number().int(), seconds: z.number() })),
  circuits: z.array(z.object({ dependency: z.string(), address: z.string(), state: z.string() })),
});

export const listProcessesAnswer = z.object({
  processes: z.array(processAnswer),
  silent: z.array(z.object({ address: z.string(), reason: z.string(), features: z.array(z.string()) })),
});
