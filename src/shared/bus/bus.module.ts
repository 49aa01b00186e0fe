import { Global, Module } from '@nestjs/common';
import { Bus } from './bus';
import { BusMetrics } from './bus.metrics';
import { InmemBus } from './inmem.bus';

@Global()
@Module({ providers: [BusMetrics, { provide: Bus, useClass: InmemBus }], exports: [Bus] })
export class BusModule {}
