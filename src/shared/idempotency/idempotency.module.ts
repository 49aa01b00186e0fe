import { Module } from '@nestjs/common';
import { AsyncModule } from '../async/async.module';
import { Idempotency } from './idempotency';
import { IdempotencyWorker } from './idempotency.worker';

@Module({ imports: [AsyncModule], providers: [Idempotency, IdempotencyWorker], exports: [Idempotency] })
export class IdempotencyModule {}
