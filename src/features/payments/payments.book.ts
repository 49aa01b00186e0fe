import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type { KeyedRequest } from '../../shared/idempotency/idempotency';
import type { Once } from '../../shared/idempotency/idempotency.repository';
import type { PaymentRow } from './payments.entity';
import { PaymentsMetrics } from './payments.metrics';
import { PaymentProvider } from './payments.provider';
import { type PaymentSteps, PaymentsRepository, type Which } from './payments.repository';

/** Changes of payments. Each is counted and told once it is committed, and whoever asks the provider hears of it. */
@Injectable()
export class PaymentsBook {
  private due = (): void => undefined;

  constructor(
    private readonly repository: PaymentsRepository,
    private readonly provider: PaymentProvider,
    private readonly metrics: PaymentsMetrics,
    private readonly logger: PinoLogger,
  ) {}

  /** `due` is called after each change: there may be something to ask the provider. */
  whenChanged(due: () => void): void {
    this.due = due;
  }

  /** As `PaymentsRepository.create`; the provider is the one of this process. */
  async create(
    payment: Omit<PaymentRow, 'seq' | 'provider'>,
    call: KeyedRequest,
    check: () => void,
  ): Promise<Once<PaymentRow>> {
    const once = await this.repository.create({ ...payment, provider: this.provider.name }, call, check);
    if (!once.replayed) {
      this.metrics.became('pending');
      this.logger.info({ payment_id: once.done.id, status: 'pending' }, 'payment_created');
    }
    return once;
  }

  /** As `PaymentsRepository.change`. */
  async change(id: string, work: (steps: PaymentSteps) => Promise<unknown>): Promise<boolean> {
    const steps = await this.repository.change(id, async (begun) => {
      await work(begun);
      return begun;
    });
    if (steps) this.tell(steps);
    return steps !== undefined;
  }

  /** As `PaymentsRepository.changeOnce`. */
  async changeOnce(
    route: string,
    which: Which,
    call: KeyedRequest,
    work: (steps: PaymentSteps) => Promise<unknown>,
  ): Promise<Once<PaymentRow>> {
    let steps: PaymentSteps | undefined;
    const once = await this.repository.changeOnce(route, which, call, (begun) => {
      steps = begun;
      return work(begun);
    });
    if (steps && !once.replayed) this.tell(steps);
    return once;
  }

  private tell({ became, payment: { id } }: PaymentSteps): void {
    for (const status of became) {
      this.metrics.became(status);
      this.logger.info({ payment_id: id, status }, 'payment_changed');
    }
    this.due();
  }
}
