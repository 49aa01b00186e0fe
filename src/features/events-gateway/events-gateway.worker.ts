import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Relay } from './events-gateway.relay';

const failureMs = 500;

/** Runs the relay from start to stop, also through times without a database. */
@Injectable()
export class EventsGatewayWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private stopping = false;
  private running: Promise<void> | undefined;

  constructor(
    private readonly relay: Relay,
    private readonly logger: PinoLogger,
  ) {}

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
        await this.relay.step();
      } catch (error) {
        // Nothing is lost: what was not sent is still due.
        this.logger.warn({ err: error }, 'relay_failed');
        await new Promise((resolve) => setTimeout(resolve, failureMs));
      }
    }
  }
}
