import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Jobs, type NamedJobs } from '../../shared/async/jobs';
import type { RowByRow } from '../../shared/async/row-by-row';
import { Worker } from '../../shared/async/worker';
import type { UnreadableEvent } from './events-gateway.event';
import { EventRelay } from './events-gateway.relay';

const failureMs = 500;

/** Runs the relay, which waits by itself where there is nothing to send. */
@Injectable()
export class EventsGatewayWorker extends Worker {
  private begun = false;
  // Handling one of them is failing with what is wrong with it: told, counted, and parked after the fifth time.
  private readonly unreadable: RowByRow<UnreadableEvent>;

  constructor(
    private readonly relay: EventRelay,
    jobs: Jobs,
  ) {
    super(jobs, { everyMs: 0, atOnce: true });
    const fail = async ({ error }: UnreadableEvent): Promise<never> => {
      throw error;
    };
    this.unreadable = jobs.rows('events-gateway.relay', ({ id }) => id, fail);
  }

  override onApplicationShutdown(): Promise<void> {
    this.relay.stop();
    return super.onApplicationShutdown();
  }

  protected override work(): NamedJobs {
    return { 'events-gateway.relay': () => this.step() };
  }

  private async step(): Promise<void> {
    try {
      if (!this.begun) await this.relay.begin();
      this.begun = true;
      await this.unreadable.handle(await this.relay.step(), true);
    } catch (error) {
      // Nothing is lost: what was not sent is still due.
      await sleep(failureMs);
      throw error;
    }
  }
}
