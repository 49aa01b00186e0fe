import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { pause } from '../../shared/lifecycle/pause';
import { Upkeep } from './fairness.upkeep';

const everyMs = 1000;

/** Looks each second at what other processes have changed, from start to stop, also through times without a database. */
@Injectable()
export class FairnessWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly upkeep: Upkeep,
    private readonly logger: PinoLogger,
  ) {}

  /** Rules and blocks are known before the first event comes. */
  async onApplicationBootstrap(): Promise<void> {
    await this.tend();
    this.running = this.run();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.tend();
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await pause(everyMs, this.stopping.signal);
      if (!this.stopping.signal.aborted) await this.tend();
    }
  }

  private async tend(): Promise<void> {
    try {
      await this.upkeep.run();
    } catch (error) {
      // What is known stays in force, what is not written is kept.
      this.logger.warn({ err: error }, 'fairness_upkeep_failed');
    }
  }
}
