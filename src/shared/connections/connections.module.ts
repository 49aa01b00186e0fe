import { Module } from '@nestjs/common';
import { Connections } from './connections';
import { Listeners } from './listeners';
import { Unfinished } from './unfinished';

@Module({ providers: [Connections, Listeners, Unfinished], exports: [Connections, Listeners, Unfinished] })
export class ConnectionsModule {}
