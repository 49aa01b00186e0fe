import { Global, Module } from '@nestjs/common';
import { Clock } from './clock';
import { ClockWorker } from './clock.worker';
import { SystemClock } from './system.clock';

@Global()
@Module({ providers: [{ provide: Clock, useClass: SystemClock }, ClockWorker], exports: [Clock] })
export class ClockModule {}
