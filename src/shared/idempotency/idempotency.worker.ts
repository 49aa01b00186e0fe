import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Loop } from '../lifecycle/loop';
import { Idempotency } from './idempotency';

const everyMs = 60_000;

/** Removes idempotency keys that are over, in small steps. */
@Injectable()
export class IdempotencyWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: Loop;

  constructor(idempotency: Idempotency, logger: PinoLogger) {
    this.loop = new Loop({
      everyMs,
      work: () => idempotency.prune(),
      // What is over stays over.
      failed: (error) => logger.warn({ err: error }, 'idempotency_pruning_failed'),
    });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }
}
