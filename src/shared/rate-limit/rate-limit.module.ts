import { Module } from '@nestjs/common';
import { Clock } from '../clock/clock';
import { RedisClients } from '../redis/redis.clients';
import { RedisModule } from '../redis/redis.module';
import { MemoryRateLimiter } from './memory.rate-limiter';
import { RateLimiter } from './rate-limiter';
import { RedisRateLimiter } from './redis.rate-limiter';

async function choose(clock: Clock, { main }: RedisClients): Promise<RateLimiter> {
  const memory = new MemoryRateLimiter(clock);
  return main ? RedisRateLimiter.open(main, memory) : memory;
}

@Module({
  imports: [RedisModule],
  providers: [{ provide: RateLimiter, inject: [Clock, RedisClients], useFactory: choose }],
  exports: [RateLimiter],
})
export class RateLimitModule {}
