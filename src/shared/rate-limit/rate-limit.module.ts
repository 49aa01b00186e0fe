import { Global, Module } from '@nestjs/common';
import { Clock } from '../clock/clock';
import { RedisClients } from '../redis/redis.clients';
import { MemoryRateLimiter } from './memory.rate-limiter';
import { RateLimiter } from './rate-limiter';
import { RedisRateLimiter } from './redis.rate-limiter';

async function choose(clock: Clock, { main }: RedisClients): Promise<RateLimiter> {
  const memory = new MemoryRateLimiter(clock);
  return main ? RedisRateLimiter.open(main, memory) : memory;
}

@Global()
@Module({
  providers: [{ provide: RateLimiter, inject: [Clock, RedisClients], useFactory: choose }],
  exports: [RateLimiter],
})
export class RateLimitModule {}
