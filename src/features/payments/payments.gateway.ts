import { Injectable } from '@nestjs/common';
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll, isBrokenCircuitError } from 'cockatiel';
import { within } from '../../shared/async/within';
import { Clock } from '../../shared/clock/clock';
import { unavailable } from '../../shared/errors/common.errors';
import { type CheckResult, Readiness } from '../../shared/health/readiness';
import type { OperationRow, PaymentRow } from './payments.entity';
import { type Asked, PaymentsMetrics } from './payments.metrics';
import { type Order, type Outcome, PaymentProvider } from './payments.provider';

const failures = 5;
const restMs = 2000;
// A provider keeps its answers by key for a day at least; after that the key would do it a second time.
const keptMs = 20 * 3_600_000;
// Some providers keep, by key, even an answer that was none (a 500): then only a look helps.
const looksAfter = 3;

/** The provider was silent too often and is not asked for a while: the order was not sent. */
export class ProviderResting extends Error {}

/** How long a provider may take for an answer. */
export const answerMs = 5000;

/** Asks the provider: with a time limit, and not for a while when it was silent five times in a row. */
@Injectable()
export class PaymentsGateway {
  /** Milliseconds. */
  limitMs = answerMs;

  private readonly breaker = circuitBreaker(handleAll, {
    halfOpenAfter: restMs,
    breaker: new ConsecutiveBreaker(failures),
  });

  constructor(
    private readonly provider: PaymentProvider,
    private readonly clock: Clock,
    private readonly metrics: PaymentsMetrics,
    readiness: Readiness,
  ) {
    readiness.add('payments', async () => this.check());
  }

  /** @throws ProviderResting when it was not asked; AppError unavailable when there is no answer: whether it was done is not known then */
  async ask(operation: OperationRow, payment: PaymentRow): Promise<Outcome> {
    const order = toOrder(operation, payment);
    const began = this.clock.monotonic();
    const told = (status: Asked): void =>
      this.metrics.asked(status, this.clock.monotonic() - began, operation.tries > 1);
    try {
      const asking = (): Promise<Outcome> => within(this.send(order, operation), this.limitMs);
      const outcome = await this.breaker.execute(asking);
      told(outcome.state);
      return outcome;
    } catch (error) {
      const isResting = isBrokenCircuitError(error);
      told(isResting ? 'resting' : 'silent');
      throw isResting ? new ProviderResting() : unavailable(error);
    }
  }

  private async send(order: Order, { createdAt, tries }: OperationRow): Promise<Outcome> {
    const isOld = this.clock.steady() - createdAt > keptMs;
    const isNamed = order.kind === 'refund' ? order.refundId !== null : order.chargeId !== null;
    if (isOld || tries > looksAfter || (tries > 1 && isNamed)) {
      const found = await this.provider.find(order);
      if (found) return found;
      if (isOld) return { state: 'refused', reason: 'unknown_to_provider' };
    }
    return this.provider[order.kind](order);
  }

  private check(): CheckResult {
    if (this.breaker.state === CircuitState.Closed) return { status: 'healthy' };
    return { status: 'degraded', reason: `${this.provider.name} does not answer; payments wait` };
  }
}

function toOrder({ id, kind, amount, refundId }: OperationRow, payment: PaymentRow): Order {
  const { id: paymentId, currency, method, chargeId } = payment;
  return { key: id, kind, paymentId, amount, currency, method, chargeId, refundId };
}
