import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { Jobs, type NamedJobs } from '../../shared/async/jobs';
import { Worker } from '../../shared/async/worker';
import { Clock } from '../../shared/clock/clock';
import { ChatExchange } from './chat.exchange';
import { ChatHub } from './chat.hub';
import { ChatRepository } from './chat.repository';

const everyMs = 1000;
const pruneEveryMs = 60_000;
const keepMutesMs = 86_400_000;
const maxPruned = 500;

/** Everything of chat that runs by itself; and its end: all are told goodbye before the servers close. */
@Injectable()
export class ChatWorker extends Worker implements BeforeApplicationShutdown {
  private prunedAt = Number.NEGATIVE_INFINITY;

  constructor(
    jobs: Jobs,
    private readonly hub: ChatHub,
    private readonly exchange: ChatExchange,
    private readonly repository: ChatRepository,
    private readonly clock: Clock,
    @InjectMetric('chat_queue_fill') private readonly fill: Gauge,
    @InjectMetric('chat_rooms') private readonly rooms: Gauge,
  ) {
    super(jobs, { everyMs, atOnce: true });
  }

  protected override work(): NamedJobs {
    return {
      'chat.sweep': () => this.sweep(),
      'chat.mutes': () => this.hub.mutes.refresh(),
      'chat.accounts': () => this.endFallen(),
      'chat.prune': () => this.prune(),
    };
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.hub.goodbye();
    await this.exchange.stop();
  }

  private sweep(): void {
    this.hub.sweep();
    this.fill.set(this.hub.fill);
    this.rooms.set(this.hub.registry.roomCount);
  }

  /** Ends clients whose account is gone, or whose token is: revoked or expired. @throws AppError unavailable */
  private async endFallen(): Promise<void> {
    for (const client of [...this.hub.all]) {
      const { account } = client;
      if (account && !(await this.hub.identity.stands(account, this.clock.steady())))
        client.end('token_invalid', 'Your token is no longer valid');
    }
  }

  private async prune(): Promise<void> {
    if (this.clock.monotonic() - this.prunedAt < pruneEveryMs) return;
    const now = this.clock.sure();
    if (now === undefined) return;
    if ((await this.repository.pruneMutes(now - keepMutesMs, maxPruned)) < maxPruned)
      this.prunedAt = this.clock.monotonic();
  }
}
