import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { AsyncModule } from '../async/async.module';
import { Load } from '../async/load';
import { Config } from '../config/config';
import { HealthModule } from '../health/health.module';
import { Readiness } from '../health/readiness';
import { RedisClients } from '../redis/redis.clients';
import { RedisModule } from '../redis/redis.module';
import { Audiences } from './audiences';
import type { Broker } from './broker';
import { BrokeredBus } from './brokered.bus';
import { Bus } from './bus';
import { BusMetrics, busMetrics } from './bus.metrics';
import { InmemBus } from './inmem.bus';
import { RedisBroker } from './redis.broker';
import { ServiceBusBroker } from './servicebus.broker';
import { SqsBroker } from './sqs.broker';

async function choose(
  config: Config,
  clients: RedisClients,
  audiences: Audiences,
  readiness: Readiness,
  metrics: BusMetrics,
  logger: PinoLogger,
  load: Load,
): Promise<Bus> {
  const broker = await brokerOf(config.bus, clients, audiences);
  if (!broker) return new InmemBus(metrics, logger, load);
  const bus = new BrokeredBus(broker, metrics, logger, load);
  readiness.add('bus', () => bus.check());
  return bus;
}

/** Undefined: messages do not leave the process. */
async function brokerOf(
  { kind, url }: Config['bus'],
  clients: RedisClients,
  audiences: Audiences,
): Promise<Broker | undefined> {
  if (kind === 'redis') return RedisBroker.open(clients, url);
  if (kind === 'sqs') return SqsBroker.open(url, audiences);
  if (kind === 'servicebus') return ServiceBusBroker.open(url);
  return undefined;
}

@Module({
  imports: [AsyncModule, HealthModule, RedisModule],
  providers: [
    BusMetrics,
    ...busMetrics,
    {
      provide: Bus,
      inject: [Config, RedisClients, Audiences, Readiness, BusMetrics, PinoLogger, Load],
      useFactory: choose,
    },
  ],
  exports: [Bus],
})
export class BusModule implements OnApplicationShutdown {
  constructor(private readonly bus: Bus) {}

  /** After the servers, before the databases. */
  onApplicationShutdown(): Promise<void> {
    return this.bus.close();
  }
}
