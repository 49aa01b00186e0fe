import { Injectable } from '@nestjs/common';
import { Jobs, type NamedJobs } from '../async/jobs';
import { Worker } from '../async/worker';
import { Idempotency } from './idempotency';

/** Removes idempotency keys that are over, in small steps. */
@Injectable()
export class IdempotencyWorker extends Worker {
  constructor(
    private readonly idempotency: Idempotency,
    jobs: Jobs,
  ) {
    super(jobs, { everyMs: 60_000 });
  }

  /** Once started, every feature has said where it keeps its keys. */
  protected override work(): NamedJobs {
    return this.idempotency.jobs;
  }
}
