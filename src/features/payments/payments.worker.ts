import { Injectable } from '@nestjs/common';
import { detach } from '../../shared/async/guarded';
import { Jobs, type NamedJobs } from '../../shared/async/jobs';
import { Worker } from '../../shared/async/worker';
import { Clock } from '../../shared/clock/clock';
import { PaymentsBook } from './payments.book';
import { PaymentsOperationsRepository } from './payments.operations.repository';
import { PaymentsRunner } from './payments.runner';
import { PaymentsSettlement } from './payments.settlement';

// Providers send an event again for three days.
const keepWebhooksMs = 30 * 24 * 3_600_000;
const maxPruned = 500;

/** Draws consequences, asks the provider, and tidies: each second, and at once when a payment has changed. */
@Injectable()
export class PaymentsWorker extends Worker {
  private readonly rounds = new Set<Promise<unknown>>();
  private waking = false;
  private closing = false;

  constructor(
    private readonly settlement: PaymentsSettlement,
    private readonly runner: PaymentsRunner,
    private readonly operations: PaymentsOperationsRepository,
    private readonly clock: Clock,
    book: PaymentsBook,
    jobs: Jobs,
  ) {
    super(jobs, { everyMs: 1000, atOnce: true });
    book.whenChanged(() => this.wake());
  }

  /** Those that were woken, too: an answer that has come is written down. */
  override async onApplicationShutdown(): Promise<void> {
    this.closing = true;
    await super.onApplicationShutdown();
    await Promise.all(this.rounds);
  }

  protected override work(): NamedJobs {
    return {
      'payments.reservations': () => this.settlement.draw(),
      'payments.orders': () => this.runner.round(),
      'payments.expiry': () => this.settlement.expire(),
      'payments.webhooks': () => this.prune(),
    };
  }

  /** A round of its own, so that nobody waits for an order that takes long. */
  private wake(): void {
    if (this.waking || this.closing) return;
    this.waking = true;
    const orders = async (): Promise<unknown> => {
      this.waking = false;
      return this.runner.round();
    };
    const round = Promise.resolve().then(() => this.jobs.round({ 'payments.orders': orders }));
    const forgotten = round.finally(() => this.rounds.delete(forgotten));
    this.rounds.add(forgotten);
    detach(forgotten);
  }

  private async prune(): Promise<boolean> {
    const now = this.clock.sure();
    return now !== undefined && (await this.operations.pruneWebhooks(now - keepWebhooksMs, maxPruned)) === maxPruned;
  }
}
