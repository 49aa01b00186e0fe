import { Module } from '@nestjs/common';
import { AsyncModule } from '../../shared/async/async.module';
import { AccessModule } from '../../shared/auth/access.module';
import { Clock } from '../../shared/clock/clock';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { HttpModule } from '../../shared/http/http.module';
import { LifecycleModule } from '../../shared/lifecycle/lifecycle.module';
import { OutboxModule } from '../../shared/outbox/outbox.module';
import { RedisClients } from '../../shared/redis/redis.clients';
import { RedisModule } from '../../shared/redis/redis.module';
import { ReservationsApi } from '../reservations/reservations.api';
import { reservationNews } from '../reservations/reservations.events';
import { QueueApi, queueContract } from './queue.api';
import { QueueCaller } from './queue.caller';
import { queueDocs } from './queue.docs';
import { queueInbox, queueTicketsTable, roomsTable } from './queue.entity';
import { QueueGrpcController } from './queue.grpc.controller';
import { QueueHotRoute } from './queue.hot';
import { QueueHttpController } from './queue.http.controller';
import { QueueListener } from './queue.listener';
import { MemoryPresence } from './queue.memory-presence';
import { QueueMetrics, queueMetrics, queueWatchMetrics } from './queue.metrics';
import { queueMigrations } from './queue.migrations';
import { QueuePresence } from './queue.presence';
import { RedisPresence } from './queue.redis-presence';
import { QueueRepository } from './queue.repository';
import { QueueRooms } from './queue.rooms';
import { QueueRounds } from './queue.rounds.repository';
import { QueueService } from './queue.service';
import { QueueSettings } from './queue.settings';
import { QueueStatuses } from './queue.statuses';
import { QueueStreamController, queuePages } from './queue.stream.controller';
import { QueueTickets } from './queue.tickets';
import { QueueWatch } from './queue.watch';
import { QueueWorker } from './queue.worker';

function choosePresence(clock: Clock, { main }: RedisClients): QueuePresence {
  const memory = new MemoryPresence(clock);
  return main ? new RedisPresence(main, memory) : memory;
}

@Module({
  imports: [AccessModule, AsyncModule, ContractModule, DbModule, HttpModule, OutboxModule, RedisModule],
  providers: [
    QueueService,
    { provide: QueueApi, useExisting: QueueService },
    QueueStatuses,
    QueueHotRoute,
    QueueCaller,
    QueueRooms,
    QueueTickets,
    QueueRepository,
    QueueRounds,
    QueueListener,
    QueueWorker,
    { provide: QueuePresence, inject: [Clock, RedisClients], useFactory: choosePresence },
    QueueMetrics,
    ...queueMetrics,
  ],
  exports: [QueueApi],
})
export class QueueModule {}

export const queueFeature: Feature = {
  contract: queueContract,
  docs: queueDocs,
  pages: queuePages,
  module: QueueModule,
  doors: {
    controllers: [QueueStreamController, QueueHttpController, QueueGrpcController],
    imports: [ContractModule, LifecycleModule],
    providers: [QueueWatch, ...queueWatchMetrics],
  },
  needs: [ReservationsApi],
  entities: [roomsTable, queueTicketsTable, queueInbox],
  migrations: queueMigrations,
  settings: QueueSettings,
  announces: [reservationNews.handled],
  hears: [reservationNews.topic],
};
