import { Injectable } from '@nestjs/common';
import { Jobs, type NamedJobs } from '../../shared/async/jobs';
import { Worker } from '../../shared/async/worker';
import { ReservationsMetrics } from './reservations.metrics';
import { SalesRepository } from './reservations.sales.repository';
import { SalesService } from './reservations.sales.service';

const everyMs = 5 * 60_000;

/** Audits the newest open sales every five minutes and tells how many violations there are. */
@Injectable()
export class ReservationsAuditWorker extends Worker {
  constructor(
    jobs: Jobs,
    private readonly sales: SalesRepository,
    private readonly service: SalesService,
    private readonly metrics: ReservationsMetrics,
  ) {
    super(jobs, { everyMs });
  }

  protected override work(): NamedJobs {
    return { 'reservations.audit': () => this.audit() };
  }

  /** One sale after another, each with a turn among the large reads. */
  async audit(): Promise<void> {
    let found = 0;
    for (const saleId of new Set((await this.sales.levels()).map((level) => level.saleId)))
      found += (await this.service.auditSale(saleId)).violations.length;
    this.metrics.audited(found);
  }
}
