import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Jobs, type NamedJobs } from './jobs';
import type { Loop } from './loop';

export interface Timing {
  /** Milliseconds before the first round, and between one and the next. */
  readonly everyMs: number;
  /** The first round comes at once. */
  readonly atOnce?: true;
}

/**
 * Everything of a feature, or of a mechanism, that runs by itself: named jobs, one round after another, from start to stop
 * and through outages. No job runs as anybody: what asks others says `asInternal`.
 */
@Injectable()
export abstract class Worker implements OnApplicationBootstrap, OnApplicationShutdown {
  private loop: Loop | undefined;

  constructor(
    protected readonly jobs: Jobs,
    private readonly timing: Timing,
  ) {}

  /** The jobs, in the order of a round. */
  protected abstract work(): NamedJobs;

  onApplicationBootstrap(): void | Promise<void> {
    this.loop = this.jobs.loop(this.work(), this.timing);
    this.loop.start();
  }

  /** Resolves when the round that is under way is done. */
  async onApplicationShutdown(): Promise<void> {
    await this.loop?.stop();
  }
}
