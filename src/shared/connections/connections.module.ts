import { Module } from '@nestjs/common';
import { Connections } from './connections';
import { Unfinished } from './unfinished';

@Module({ providers: [Connections, Unfinished], exports: [Connections, Unfinished] })
export class ConnectionsModule {}
