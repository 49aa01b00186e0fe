import { Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Config } from '../config/config';
import { HealthModule } from '../health/health.module';
import { Readiness } from '../health/readiness';
import { RedisClients } from './redis.clients';

@Module({
  imports: [HealthModule],
  providers: [{ provide: RedisClients, inject: [Config, PinoLogger, Readiness], useFactory: RedisClients.create }],
  exports: [RedisClients],
})
export class RedisModule {}
