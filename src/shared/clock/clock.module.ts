import { Global, Module } from '@nestjs/common';
import { AsyncModule } from '../async/async.module';
import { Clock } from './clock';
import { ClockWorker } from './clock.worker';
import { SystemClock } from './system.clock';

@Global()
@Module({
  imports: [AsyncModule],
  providers: [{ provide: Clock, useClass: SystemClock }, ClockWorker],
  exports: [Clock],
})
export class ClockModule {}
