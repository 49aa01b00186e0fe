import { Global, Module } from '@nestjs/common';
import { Lifecycle } from './lifecycle';
import { Load } from './load';

@Global()
@Module({ providers: [Lifecycle, Load], exports: [Lifecycle, Load] })
export class LifecycleModule {}
