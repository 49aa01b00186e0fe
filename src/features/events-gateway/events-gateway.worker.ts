import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Jobs } from '../../shared/async/jobs';
import type { RowByRow } from '../../shared/async/row-by-row';
import type { UnreadableEvent } from './events-gateway.event';
import { Relay } from './events-gateway.relay';

const failureMs = 500;

/** Runs the relay from start to stop, also through times without a database. */
@Injectable()
export class EventsGatewayWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private stopping = false;
  private running: Promise<void> | undefined;
  // Handling one of them is failing with what is wrong with it: told, counted, and parked after the fifth time.
  private readonly unreadable: RowByRow<UnreadableEvent>;

  constructor(
    private readonly relay: Relay,
    private readonly logger: PinoLogger,
    jobs: Jobs,
  ) {
    const fail = async ({ error }: UnreadableEvent): Promise<never> => {
      throw error;
    };
    this.unreadable = jobs.rows('events-gateway.relay', ({ id }) => id, fail);
  }

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.relay.stop();
    await this.running;
  }

  private async run(): Promise<void> {
    let begun = false;
    while (!this.stopping) {
      try {
        if (!begun) await this.relay.begin();
        begun = true;
        await this.unreadable.handle(await this.relay.step(), true);
      } catch (error) {
        // Nothing is lost: what was not sent is still due.
        this.logger.warn({ err: error }, 'relay_failed');
        await new Promise((resolve) => setTimeout(resolve, failureMs));
      }
    }
  }
}
