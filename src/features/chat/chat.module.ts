import { Module } from '@nestjs/common';
import { AsyncModule } from '../../shared/async/async.module';
import { AccessModule } from '../../shared/auth/access.module';
import { Config } from '../../shared/config/config';
import { ConnectionsModule } from '../../shared/connections/connections.module';
import { ContractModule } from '../../shared/contract/contract.module';
import type { Feature } from '../../shared/contract/feature';
import { DbModule } from '../../shared/db/db.module';
import { HealthModule } from '../../shared/health/health.module';
import { Readiness } from '../../shared/health/readiness';
import { HttpModule } from '../../shared/http/http.module';
import { Metrics } from '../../shared/metrics/metrics';
import { RateLimitModule } from '../../shared/rate-limit/rate-limit.module';
import { RedisClients } from '../../shared/redis/redis.clients';
import { RedisModule } from '../../shared/redis/redis.module';
import { UsersApi } from '../users/users.api';
import { ChatApi, chatContract } from './chat.api';
import { ChatConnect } from './chat.connect.stream';
import { chatDocs } from './chat.docs';
import { mutesTable, reportsTable } from './chat.entity';
import { ChatExchange } from './chat.exchange';
import { ChatGrpcController } from './chat.grpc.controller';
import { ChatHttpController } from './chat.http.controller';
import { ChatHub, ChatParts } from './chat.hub';
import { ChatIdentity } from './chat.identity';
import { LocalChatExchange } from './chat.local-exchange';
import { ChatMetrics, chatMetrics } from './chat.metrics';
import { chatMigrations } from './chat.migrations';
import { ChatMutes } from './chat.mutes';
import { ChatPageController, chatPages } from './chat.page.controller';
import { RedisChatExchange } from './chat.redis-exchange';
import { ChatRepository } from './chat.repository';
import { ChatRetention } from './chat.retention';
import { ChatService } from './chat.service';
import { ChatSettings, chatPorts } from './chat.settings';
import { ChatSpeakers } from './chat.speakers';
import { ChatStream } from './chat.stream';
import { ChatStreamController, chatStreamPages } from './chat.stream.controller';
import { ChatTcp } from './chat.tcp';
import { ChatWebSocket } from './chat.websocket';
import { ChatWorker } from './chat.worker';

/** With a Redis all processes have one conversation. */
async function exchange(
  { redisUrl }: Config,
  clients: RedisClients,
  readiness: Readiness,
  metrics: Metrics,
): Promise<ChatExchange> {
  if (!clients.main || redisUrl === undefined) return new LocalChatExchange();
  const alone = metrics.gauge('chat_alone', '1 while chat goes on without Redis, each process for itself');
  alone.set(1);
  const told = (connected: boolean): void => alone.set(connected ? 0 : 1);
  const shared = new RedisChatExchange(clients.main, await clients.open(redisUrl), told);
  readiness.add('chat', () => shared.check());
  return shared;
}

@Module({
  imports: [
    AccessModule,
    AsyncModule,
    ConnectionsModule,
    ContractModule,
    DbModule,
    HealthModule,
    HttpModule,
    RateLimitModule,
    RedisModule,
  ],
  providers: [
    ChatService,
    { provide: ChatApi, useExisting: ChatService },
    ChatHub,
    ChatParts,
    { provide: ChatExchange, inject: [Config, RedisClients, Readiness, Metrics], useFactory: exchange },
    ChatIdentity,
    ChatSpeakers,
    ChatMutes,
    ChatTcp,
    ChatWebSocket,
    ChatConnect,
    ChatStream,
    ChatRepository,
    ChatRetention,
    ChatWorker,
    ChatMetrics,
    ...chatMetrics,
  ],
  exports: [ChatApi, ChatConnect, ChatStream],
})
export class ChatModule {}

export const chatFeature: Feature = {
  contract: chatContract,
  docs: chatDocs,
  logged: ['room', 'message_seq', 'seconds'],
  pages: [...chatPages, ...chatStreamPages],
  module: ChatModule,
  doors: { controllers: [ChatHttpController, ChatGrpcController, ChatStreamController, ChatPageController] },
  entities: [mutesTable, reportsTable],
  migrations: chatMigrations,
  settings: ChatSettings,
  ports: chatPorts,
  needs: [UsersApi],
};
