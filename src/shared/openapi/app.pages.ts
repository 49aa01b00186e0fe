import { z } from 'zod';
import type { Page } from '../contract/page';

const check = z
  .object({
    status: z.enum(['healthy', 'degraded', 'unhealthy']),
    latencyMs: z.number().optional(),
    reason: z.string().optional(),
  })
  .meta({ id: 'HealthCheck' });
const readiness = z
  .object({ status: z.enum(['ready', 'not_ready']), checks: z.record(z.string(), check) })
  .meta({ id: 'Readiness' });
const alive = {
  description: 'It runs. Asks nobody: a restart does not mend a database',
  schema: z.object({ status: z.literal('alive') }).meta({ id: 'Liveness' }),
  example: { status: 'alive' },
};

/** The OpenAPI descriptions of the pages that every process serves. */
export const appPages: readonly Page[] = [
  { http: 'GET /health/live', operationId: 'live', service: 'app', summary: 'Alive', answers: { 200: alive } },
  { http: 'GET /healthz', operationId: 'healthz', service: 'app', summary: 'As /health/live', answers: { 200: alive } },
  {
    http: 'GET /health/ready',
    operationId: 'ready',
    service: 'app',
    summary: 'Whether this process should get traffic',
    answers: {
      200: {
        description: 'It should. What is degraded can be done without',
        schema: readiness,
        example: { status: 'ready', checks: { database: { status: 'healthy', latencyMs: 1 } } },
      },
      503: {
        description: 'It should not: it starts, it stops, or what it needs does not answer',
        schema: readiness,
        example: { status: 'not_ready', checks: { database: { status: 'unhealthy', reason: 'does not answer' } } },
      },
    },
  },
  {
    http: 'GET /metrics',
    operationId: 'metrics',
    service: 'app',
    summary: 'All metrics, for Prometheus',
    answers: {
      200: {
        description: "Prometheus' text format",
        contentType: 'text/plain',
        schema: z.string(),
        example: 'process_cpu_seconds_total 12.5\n',
      },
    },
  },
];
