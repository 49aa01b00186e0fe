import { Global, Module } from '@nestjs/common';
import { Idempotency } from './idempotency';
import { IdempotencyWorker } from './idempotency.worker';

@Global()
@Module({ providers: [Idempotency, IdempotencyWorker], exports: [Idempotency] })
export class IdempotencyModule {}
