import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Metrics } from '../metrics/metrics';
import { outsideRequests } from '../tracing/request-context';
import { Loop } from './loop';
import { RowByRow } from './row-by-row';
import { Seldom } from './seldom';

/** By name, such as `auth.revocations`; each answers `true` when it has more to do. They run in this order. */
export type NamedJobs = Readonly<Record<string, () => unknown>>;

// A database that is down fails every job every second.
const logEveryMs = 10_000;

/**
 * Runs what the process does by itself, again and again. Each job is guarded by itself: one that fails is told and counted
 * (`job_failures_total`), and the next one runs all the same. When each last succeeded is a metric, too.
 */
@Injectable()
export class Jobs {
  private readonly failures;
  private readonly parked;
  private readonly succeeded;
  private readonly intervals;
  private readonly told = new Map<string, Seldom>();

  constructor(
    metrics: Metrics,
    private readonly logger: PinoLogger,
  ) {
    this.failures = metrics.counter('job_failures_total', 'Rounds of a job, or rows in it, that failed', ['job']);
    this.parked = metrics.gauge('job_rows_parked', 'Rows that a job leaves alone since they failed five times', [
      'job',
    ]);
    this.succeeded = metrics.gauge(
      'job_last_success_timestamp_seconds',
      'When a job last succeeded; until it has, when it was begun',
      ['job'],
    );
    this.intervals = metrics.gauge('job_interval_seconds', 'Between two rounds of a job', ['job']);
  }

  /**
   * A loop whose rounds are `round(jobs)`. Its jobs are told from now on: one that never succeeds, or never ends, is as late
   * as one that no longer does.
   */
  loop(jobs: NamedJobs, timing: { readonly everyMs: number; readonly atOnce?: true }): Loop {
    for (const job of Object.keys(jobs)) {
      this.failures.inc({ job }, 0);
      this.intervals.set({ job }, timing.everyMs / 1000);
      this.succeeded.setToCurrentTime({ job });
    }
    return new Loop({ ...timing, work: () => this.round(jobs), failed: (error) => this.failed('round', error) });
  }

  /** Runs each job once, in order, whoever woke it; never rejects. Whether one of them has more to do. */
  round(jobs: NamedJobs): Promise<boolean> {
    return outsideRequests(() => this.runAll(jobs));
  }

  private async runAll(jobs: NamedJobs): Promise<boolean> {
    let more = false;
    for (const [job, run] of Object.entries(jobs)) {
      try {
        more = (await run()) === true || more;
        this.succeeded.setToCurrentTime({ job });
      } catch (error) {
        this.failed(job, error);
      }
    }
    return more;
  }

  /** For a job that goes through rows; those that it parks are in `job_rows_parked`. Keys of rows are logged. */
  rows<Row>(job: string, keyOf: (row: Row) => string, work: (row: Row) => Promise<unknown>): RowByRow<Row> {
    this.parked.set({ job }, 0);
    return new RowByRow({
      keyOf,
      work,
      parked: (count) => this.parked.set({ job }, count),
      failed: (error, row, parked) => {
        this.failures.inc({ job });
        if (parked) this.logger.error({ err: error, job, row }, 'job_row_parked');
        else this.logger.warn({ err: error, job, row }, 'job_row_failed');
      },
    });
  }

  private failed(job: string, error: unknown): void {
    this.failures.inc({ job });
    const told = this.told.get(job) ?? new Seldom(logEveryMs);
    this.told.set(job, told);
    // The work is still due: the next round comes.
    if (told.now()) this.logger.warn({ err: error, job }, 'job_failed');
  }
}
