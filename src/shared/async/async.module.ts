import { Module } from '@nestjs/common';
import { Jobs } from './jobs';
import { Load } from './load';

@Module({ providers: [Jobs, Load], exports: [Jobs, Load] })
export class AsyncModule {}
