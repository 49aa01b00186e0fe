import { Global, Module } from '@nestjs/common';
import { Jobs } from './jobs';
import { Lifecycle } from './lifecycle';
import { Load } from './load';

@Global()
@Module({ providers: [Lifecycle, Load, Jobs], exports: [Lifecycle, Load, Jobs] })
export class LifecycleModule {}
