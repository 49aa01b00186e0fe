import type { Server } from '@grpc/grpc-js';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { HealthImplementation } from 'grpc-health-check';
import { guarded } from '../async/guarded';
import { Readiness } from './readiness';

const everyMs = 500;

/** grpc.health.v1: `Check` and `Watch` tell what `GET /health/ready` tells, at most half a second later. */
@Injectable()
export class GrpcHealth implements OnApplicationShutdown {
  private implementation: HealthImplementation | undefined;
  private services: readonly string[] = [''];
  private told: 'SERVING' | 'NOT_SERVING' = 'NOT_SERVING';
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly readiness: Readiness) {}

  /** `services` are full names such as `aerie.users.v1.UserService`; '' (the whole server) is added. */
  addTo(server: Server, services: readonly string[]): void {
    this.services = ['', ...services];
    this.implementation = new HealthImplementation(Object.fromEntries(this.services.map((name) => [name, this.told])));
    this.implementation.addToServer(server);
  }

  async refresh(): Promise<void> {
    const { status } = await this.readiness.report();
    const serving = status === 'ready' ? 'SERVING' : 'NOT_SERVING';
    // Watchers are sent every status that is set, also one that they know. Source: grpc/health/v1/health.proto, Watch
    if (serving === this.told) return;
    this.told = serving;
    for (const name of this.services) this.implementation?.setStatus(name, serving);
  }

  start(): void {
    this.timer = setInterval(
      guarded(() => this.refresh()),
      everyMs,
    ).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }
}
