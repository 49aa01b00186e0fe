import type { PinoLogger } from 'nestjs-pino';
import { fault, guarded, reportFaultsTo } from '../async/guarded';
import type { Metrics } from '../metrics/metrics';

/** Errors for which nobody waits are logged and counted as `faults_total`: each is a defect, worth an alert. */
export function tellFaults(logger: PinoLogger, metrics: Metrics): void {
  const total = metrics.counter('faults_total', 'Errors in the background for which nobody waited', [], [{}]);
  reportFaultsTo((error) => {
    total.inc();
    logger.error({ err: error }, 'fault');
  });
}

/**
 * The last net of this process: what no callback has caught is told like any fault, and the process goes on. SQL decides
 * what is true, so nothing in memory can be left in a state that lies; to end would end every other caller's request, and
 * whoever found the way could do it again.
 */
export function surviveFaults(): void {
  process.on('uncaughtException', guarded(fault));
  process.on('unhandledRejection', guarded(fault));
}
