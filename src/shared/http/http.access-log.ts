import type { PinoLogger } from 'nestjs-pino';

const slowMs = 1000;

interface Answered {
  readonly traceId: string;
  readonly method: string;
  /** The route's template. */
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
  /** It takes as long as the caller listens: no duration of it is slow. */
  readonly endless?: boolean;
}

/** A line for each answer is for debugging; what was slow, or failed, is told always. */
export function logAnswer(
  logger: PinoLogger,
  { traceId, method, path, status, durationMs, endless = false }: Answered,
): void {
  const slow = durationMs >= slowMs && !endless;
  if (status < 500 && !slow && !logger.logger.isLevelEnabled('debug')) return;
  const fields = { trace_id: traceId, method, path, status, duration_ms: Math.round(durationMs * 10) / 10 };
  if (slow) logger.warn(fields, 'request_slow');
  else logger.debug(fields, 'request_completed');
}
