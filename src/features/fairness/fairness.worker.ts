import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Jobs } from '../../shared/async/jobs';
import type { Loop } from '../../shared/async/loop';
import { Upkeep } from './fairness.upkeep';

const everyMs = 1000;

/** Looks each second at what other processes have changed, from start to stop, also through times without a database. */
@Injectable()
export class FairnessWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: Loop;

  constructor(
    private readonly upkeep: Upkeep,
    private readonly jobs: Jobs,
  ) {
    this.loop = jobs.loop(upkeep.jobs, { everyMs });
  }

  /** Rules and blocks are known before the first event comes. */
  async onApplicationBootstrap(): Promise<void> {
    await this.jobs.round(this.upkeep.jobs);
    this.loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    await this.jobs.round(this.upkeep.jobs);
  }
}
