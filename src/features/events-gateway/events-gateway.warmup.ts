import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Lifecycle } from '../../shared/lifecycle/lifecycle';
import { Metrics } from '../../shared/metrics/metrics';
import { Rehearsal } from './events-gateway.rehearsal';
import { Throttle } from './events-gateway.throttle';

const insideMs = 300;
const overHttpMs = 600;

/**
 * Lets made-up events run through everything that a real one meets, before the process is ready: the first seconds of a
 * cold engine run at a third of its speed, and requests would feel it.
 */
@Injectable()
export class WarmUp implements OnModuleInit {
  constructor(
    private readonly rehearsal: Rehearsal,
    private readonly throttle: Throttle,
    private readonly lifecycle: Lifecycle,
    private readonly metrics: Metrics,
    private readonly logger: PinoLogger,
  ) {}

  onModuleInit(): void {
    this.lifecycle.beforeReady((origin) => this.run(origin));
  }

  private async run(origin: string): Promise<void> {
    try {
      await this.rehearsal.inside(insideMs);
      await this.rehearsal.overHttp(origin, overHttpMs);
    } catch (error) {
      // Cold is slow, not wrong; without a schema, for one, there is nothing to insert into.
      this.logger.debug({ err: error }, 'warm_up_failed');
    }
    // Nobody else has called yet: what was taken and counted is the rehearsal's.
    this.throttle.refill();
    this.metrics.reset();
  }
}
