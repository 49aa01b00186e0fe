import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { AsyncModule } from '../async/async.module';
import { Bus } from './bus';
import { BusMetrics, busMetrics } from './bus.metrics';
import { InmemBus } from './inmem.bus';

@Module({
  imports: [AsyncModule],
  providers: [BusMetrics, ...busMetrics, { provide: Bus, useClass: InmemBus }],
  exports: [Bus],
})
export class BusModule implements OnApplicationShutdown {
  constructor(private readonly bus: Bus) {}

  /** After the servers, before the databases. */
  onApplicationShutdown(): Promise<void> {
    return this.bus.close();
  }
}
