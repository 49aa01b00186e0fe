import { Injectable } from '@nestjs/common';
import { Jobs, type NamedJobs } from '../../shared/async/jobs';
import { Worker } from '../../shared/async/worker';
import { asInternal } from '../../shared/auth/caller';
import { ReservationsApi } from '../reservations/reservations.api';
import { PaymentsAuditor } from './payments.auditor';
import { PaymentsMetrics } from './payments.metrics';

const everyMs = 5 * 60_000;
// As many as reservations audits.
const pageSize = 20;

/** Audits the money of the newest sales that are open, every five minutes, and tells how many violations there are. */
@Injectable()
export class PaymentsAuditWorker extends Worker {
  constructor(
    jobs: Jobs,
    private readonly reservations: ReservationsApi,
    private readonly auditor: PaymentsAuditor,
    private readonly metrics: PaymentsMetrics,
  ) {
    super(jobs, { everyMs });
  }

  protected override work(): NamedJobs {
    return { 'payments.audit': () => this.audit() };
  }

  async audit(): Promise<void> {
    let found = 0;
    const { sales } = await asInternal(() => this.reservations.listSales({ pageSize }));
    for (const { saleId, state } of sales)
      if (state === 'open') found += (await this.auditor.audit(saleId)).violations.length;
    this.metrics.audited(found);
  }
}
