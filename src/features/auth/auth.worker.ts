import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Loop } from '../../shared/lifecycle/loop';
import { Pruner } from './auth.pruner';
import { Registrations } from './auth.registrations';
import { Sweeper } from './auth.sweeper';

const everyMs = 60_000;

/** Tidies up once a minute, in small steps. */
@Injectable()
export class AuthWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: Loop;

  constructor(pruner: Pruner, sweeper: Sweeper, registrations: Registrations, logger: PinoLogger) {
    this.loop = new Loop({
      everyMs,
      work: async () => {
        await registrations.undoCutOff();
        await sweeper.sweep();
        return pruner.prune();
      },
      failed: (error) => logger.warn({ err: error }, 'auth_pruning_failed'),
    });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }
}
