import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { detach } from '../../shared/async/guarded';
import { Jobs, type NamedJobs } from '../../shared/async/jobs';
import { Worker } from '../../shared/async/worker';
import { Clock } from '../../shared/clock/clock';
import type { ChatClient } from './chat.client';
import { ChatExchange } from './chat.exchange';
import { ChatHub } from './chat.hub';
import { ChatRetention } from './chat.retention';

const everyMs = 1000;
const maxLooks = 200;

/** Everything of chat that runs by itself; and its end: all are told goodbye before the servers close. */
@Injectable()
export class ChatWorker extends Worker implements BeforeApplicationShutdown {
  private toLookAt: ChatClient[] = [];

  constructor(
    jobs: Jobs,
    private readonly hub: ChatHub,
    private readonly exchange: ChatExchange,
    private readonly retention: ChatRetention,
    private readonly clock: Clock,
    @InjectMetric('chat_queue_fill') private readonly fill: Gauge,
    @InjectMetric('chat_rooms') private readonly rooms: Gauge,
  ) {
    super(jobs, { everyMs, atOnce: true });
  }

  protected override work(): NamedJobs {
    return {
      'chat.gauges': () => this.measure(),
      'chat.mutes': () => this.hub.mutes.refresh(),
      'chat.accounts': () => this.endFallen(),
      'chat.prune': () => this.retention.prune(),
    };
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.hub.stop();
    await this.hub.wait();
    try {
      await this.exchange.stop();
    } catch (err) {
      // The lease of its names runs out.
      this.hub.logger.warn({ err }, 'chat_not_left');
    }
  }

  private measure(): void {
    this.fill.set(this.hub.fill);
    this.rooms.set(this.hub.registry.roomCount);
  }

  /**
   * Ends clients whose account is gone, or whose token is: revoked or expired. Of many so many in each round, in turn: each
   * may be a question to the database. @throws AppError unavailable
   */
  private async endFallen(): Promise<void> {
    if (this.toLookAt.length === 0) this.toLookAt = [...this.hub.all].filter(({ account }) => account);
    for (const client of this.toLookAt.splice(0, maxLooks)) {
      const { account } = client;
      if (account && !(await this.hub.identity.stands(account, this.clock.steady())))
        detach(client.end('token_invalid', 'Your token is no longer valid'));
    }
  }
}
