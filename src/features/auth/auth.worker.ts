import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Jobs } from '../../shared/async/jobs';
import type { Loop } from '../../shared/async/loop';
import { Pruner } from './auth.pruner';
import { Registrations } from './auth.registrations';
import { Sweeper } from './auth.sweeper';

const everyMs = 60_000;

/** Tidies up once a minute, in small steps. */
@Injectable()
export class AuthWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: Loop;

  constructor(pruner: Pruner, sweeper: Sweeper, registrations: Registrations, jobs: Jobs) {
    const work = {
      'auth.registrations': () => registrations.undoCutOff(),
      'auth.accounts': () => sweeper.sweep(),
      'auth.revocations': () => pruner.prune(),
    };
    this.loop = jobs.loop(work, { everyMs });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }
}
