import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Jobs, type NamedJobs } from '../async/jobs';
import { Worker } from '../async/worker';
import { Metrics } from '../metrics/metrics';
import { Clock } from './clock';

const everyMs = 1000;

/** Looks at the clock every second, so that a jump is seen when nobody asks; tells and counts jumps. */
@Injectable()
export class ClockWorker extends Worker {
  private readonly apart = new Set<string>();
  private readonly latest = new Map<string, number>();
  private readonly jumps;
  private readonly ahead;
  private readonly sure;

  constructor(
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
    metrics: Metrics,
    jobs: Jobs,
  ) {
    super(jobs, { everyMs, atOnce: true });
    const known = [{ direction: 'ahead' }, { direction: 'back' }] as const;
    this.jumps = metrics.counter('clock_jumps_total', 'Jumps of the wall clock by over a minute', ['direction'], known);
    this.ahead = metrics.gauge('clock_ahead_seconds', 'The wall clock less another one', ['reference']);
    this.sure = metrics.gauge('clock_sure', '1 while the wall clock is believed; else nothing is closed or pruned');
    clock.tell({
      jumped: (jump) => this.jumped(jump),
      compared: (reference, ahead, apart) => this.compared(reference, ahead, apart),
    });
  }

  protected override work(): NamedJobs {
    return { 'clock.looks': () => this.look() };
  }

  private look(): void {
    this.sure.set(this.clock.sure() === undefined ? 0 : 1);
    for (const [reference, ahead] of this.latest) this.ahead.set({ reference }, ahead / 1000);
  }

  private jumped(jump: number): void {
    this.jumps.inc({ direction: jump > 0 ? 'ahead' : 'back' });
    this.logger.error(
      {
        seconds: Math.round(jump / 1000),
        reason: 'nothing is closed or pruned until it has run steadily for 3 minutes',
      },
      'clock_jumped',
    );
  }

  private compared(reference: string, ahead: number, apart: boolean): void {
    this.latest.set(reference, ahead);
    if (apart === this.apart.has(reference)) return;
    if (apart) this.apart.add(reference);
    else this.apart.delete(reference);
    const seconds = Math.round(ahead / 1000);
    if (apart)
      this.logger.error(
        { seconds, reason: `ahead of the ${reference}'s; nothing is closed or pruned` },
        'clock_differs',
      );
    else this.logger.info({ seconds, reason: `ahead of the ${reference}'s` }, 'clock_agrees');
  }
}
