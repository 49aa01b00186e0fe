import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Loop } from '../../shared/lifecycle/loop';
import { Upkeep } from './fairness.upkeep';

const everyMs = 1000;

/** Looks each second at what other processes have changed, from start to stop, also through times without a database. */
@Injectable()
export class FairnessWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop = new Loop({ everyMs, work: () => this.upkeep.run(), failed: (error) => this.warn(error) });

  constructor(
    private readonly upkeep: Upkeep,
    private readonly logger: PinoLogger,
  ) {}

  /** Rules and blocks are known before the first event comes. */
  async onApplicationBootstrap(): Promise<void> {
    await this.tend();
    this.loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    await this.tend();
  }

  private async tend(): Promise<void> {
    try {
      await this.upkeep.run();
    } catch (error) {
      this.warn(error);
    }
  }

  private warn(error: unknown): void {
    // What is known stays in force, what is not written is kept.
    this.logger.warn({ err: error }, 'fairness_upkeep_failed');
  }
}
