import type { PinoLogger } from 'nestjs-pino';

const slowMs = 1000;

interface Answered {
  readonly traceId: string;
  readonly method: string;
  /** The route's template. */
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
}

/** A line for each answer is for debugging; what was slow, or failed, is told always. */
export function logAnswer(logger: PinoLogger, { traceId, method, path, status, durationMs }: Answered): void {
  if (status < 500 && durationMs < slowMs && !logger.logger.isLevelEnabled('debug')) return;
  const fields = { trace_id: traceId, method, path, status, duration_ms: Math.round(durationMs * 10) / 10 };
  if (durationMs >= slowMs) logger.warn(fields, 'request_slow');
  else logger.debug(fields, 'request_completed');
}
