import { Module } from '@nestjs/common';
import { Lifecycle } from './lifecycle';

@Module({ providers: [Lifecycle], exports: [Lifecycle] })
export class LifecycleModule {}
