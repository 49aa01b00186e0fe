import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Clock } from '../../shared/clock/clock';
import { AppError } from '../../shared/errors/app-error';
import type { OperationRow } from './payments.entity';
import { answerMs, PaymentsGateway, ProviderResting } from './payments.gateway';
import { PaymentsOperationsRepository } from './payments.operations.repository';
import { PaymentsSettlement } from './payments.settlement';

const maxAtOnce = 32;
const firstAgainMs = 1000;
const restLookMs = 500;
const lastAgainMs = 30_000;
// Whoever has an order asks for so long and writes down the answer; after that it is taken for dead.
const leaseMs = 2 * answerMs;

/**
 * Carries orders to the provider, outside of any transaction. Each was written down before, so that one whose process dies, or
 * whose answer never comes, is carried again with the same key until there is an answer for good: after seconds at first,
 * then every 30 seconds.
 */
@Injectable()
export class PaymentsRunner {
  private running = 0;

  constructor(
    private readonly operations: PaymentsOperationsRepository,
    private readonly gateway: PaymentsGateway,
    private readonly settlement: PaymentsSettlement,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
  ) {}

  /** Carries what is due and resolves when all of it has an answer or none. True when there may be more. */
  async round(): Promise<boolean> {
    const free = maxAtOnce - this.running;
    if (free <= 0) return false;
    this.running += free;
    let claimed: OperationRow[] = [];
    try {
      const now = this.clock.steady();
      claimed = await this.operations.claim(now, now + leaseMs, free);
    } finally {
      this.running -= free - claimed.length;
    }
    await Promise.all(claimed.map((operation) => this.carry(operation)));
    return claimed.length === free;
  }

  private async carry(operation: OperationRow): Promise<void> {
    try {
      const payment = await this.operations.payment(operation.paymentId);
      if (!payment) throw new Error(`The payment ${operation.paymentId} of an order is not there`);
      const outcome = await this.gateway.ask(operation, payment);
      await this.settlement.answered(operation, outcome);
      if (outcome.state === 'pending') await this.again(operation);
    } catch (error) {
      // It was not sent: that was no try, and it is due as soon as the provider is asked again.
      if (error instanceof ProviderResting) return await this.putOff(operation, restLookMs, operation.tries - 1);
      const { id, kind, paymentId } = operation;
      const isOutage = error instanceof AppError && error.kind === 'unavailable';
      const told = { err: error, operation_id: id, payment_id: paymentId, kind, tries: operation.tries };
      this.logger[isOutage ? 'warn' : 'error'](told, 'payment_order_unanswered');
      await this.again(operation);
    } finally {
      this.running -= 1;
    }
  }

  private async again(operation: OperationRow): Promise<void> {
    await this.putOff(operation, Math.min(lastAgainMs, firstAgainMs * 2 ** Math.min(operation.tries - 1, 10)));
  }

  private async putOff(operation: OperationRow, pauseMs: number, tries = operation.tries): Promise<void> {
    try {
      await this.operations.putOff(operation, this.clock.steady() + pauseMs, tries);
    } catch (error) {
      // It is due again when its lease is over.
      this.logger.warn({ err: error, operation_id: operation.id }, 'payment_order_not_put_off');
    }
  }
}
