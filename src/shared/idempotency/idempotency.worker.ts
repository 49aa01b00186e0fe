import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Jobs } from '../async/jobs';
import type { Loop } from '../async/loop';
import { Idempotency } from './idempotency';

const everyMs = 60_000;

/** Removes idempotency keys that are over, in small steps. */
@Injectable()
export class IdempotencyWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private loop: Loop | undefined;

  constructor(
    private readonly idempotency: Idempotency,
    private readonly jobs: Jobs,
  ) {}

  /** Only now every feature has said where it keeps its keys. */
  onApplicationBootstrap(): void {
    this.loop = this.jobs.loop(this.idempotency.jobs, { everyMs });
    this.loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop?.stop();
  }
}
