import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Jobs, type NamedJobs } from '../../shared/async/jobs';
import { Worker } from '../../shared/async/worker';
import { ReservationsMetrics } from './reservations.metrics';
import { ReservationsRepository } from './reservations.repository';
import { SalesRepository } from './reservations.sales.repository';

const everyMs = 500;

/** Puts back what holds that have run out had: it is free before, and only not tidied up. */
@Injectable()
export class ReservationsWorker extends Worker implements OnModuleInit {
  constructor(
    jobs: Jobs,
    private readonly repository: ReservationsRepository,
    private readonly sales: SalesRepository,
    private readonly metrics: ReservationsMetrics,
  ) {
    super(jobs, { everyMs });
  }

  onModuleInit(): void {
    this.metrics.watch(() => this.sales.levels());
  }

  protected override work(): NamedJobs {
    return { 'reservations.expire': () => this.expire() };
  }

  private async expire(): Promise<void> {
    for (let ended = 1; ended > 0; ) {
      ended = await this.repository.expire();
      for (let i = 0; i < ended; i += 1) this.metrics.count('expired');
    }
  }
}
