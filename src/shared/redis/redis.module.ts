import { Global, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Config } from '../config/config';
import { Readiness } from '../health/readiness';
import { RedisClients } from './redis.clients';

@Global()
@Module({
  providers: [{ provide: RedisClients, inject: [Config, PinoLogger, Readiness], useFactory: RedisClients.create }],
  exports: [RedisClients],
})
export class RedisModule {}
