import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { request } from 'undici';
import { Jobs, type NamedJobs } from '../../shared/async/jobs';
import { Worker } from '../../shared/async/worker';
import { Clock } from '../../shared/clock/clock';
import { Lifecycle } from '../../shared/lifecycle/lifecycle';
import { PaymentsSettings } from './payments.settings';
import { SimulatorProvider } from './payments.simulator';
import { SimulatorRepository } from './payments.simulator.repository';

const maxAtOnce = 50;
const firstAgainMs = 1000;
const lastAgainMs = 60_000;
const maxTries = 20;
const postMs = 5000;
const keepRequestsMs = 24 * 3_600_000;

/** What the simulated provider does by itself: it approves what takes time, and posts webhooks until they are taken. */
@Injectable()
export class SimulatorWorker extends Worker {
  private origin: string | undefined;

  constructor(
    private readonly simulator: SimulatorProvider,
    private readonly books: SimulatorRepository,
    private readonly settings: PaymentsSettings,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
    lifecycle: Lifecycle,
    jobs: Jobs,
  ) {
    super(jobs, { everyMs: 250 });
    lifecycle.beforeReady(async (origin) => {
      this.origin = origin;
    });
  }

  protected override work(): NamedJobs {
    if (this.settings.provider !== 'simulator') return {};
    return {
      'payments.simulator.approvals': () => this.simulator.approve(),
      'payments.simulator.webhooks': () => this.deliver(),
      'payments.simulator.requests': () => this.prune(),
    };
  }

  /** Over HTTP to this process itself, as from outside. */
  private async deliver(): Promise<void> {
    if (this.origin === undefined) return;
    const url = `${this.origin}/payments/webhooks/simulator`;
    const again = (tries: number): number => Math.min(lastAgainMs, firstAgainMs * 2 ** Math.min(tries, 10));
    for (const delivery of await this.books.deliveries(this.clock.steady(), maxAtOnce, again)) {
      const { eventId, body, tries } = delivery;
      const headers = { 'content-type': 'application/json', ...this.simulator.sign(eventId, body) };
      const status = await this.post(url, headers, body);
      if (status < 300 || tries >= maxTries) await this.books.delivered(delivery);
      if (status >= 300) this.logger.warn({ event_id: eventId, status, tries }, 'payment_webhook_refused');
    }
  }

  /** The status of the answer; 599 when there is none. */
  private async post(url: string, headers: Record<string, string>, body: string): Promise<number> {
    try {
      const answer = await request(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(postMs) });
      await answer.body.dump();
      return answer.statusCode;
    } catch (error) {
      this.logger.debug({ err: error }, 'payment_webhook_unanswered');
      return 599;
    }
  }

  private async prune(): Promise<boolean> {
    const now = this.clock.sure();
    return now !== undefined && (await this.books.pruneRequests(now - keepRequestsMs, maxAtOnce)) === maxAtOnce;
  }
}
