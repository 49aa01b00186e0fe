import type { RedisClient } from '../../shared/redis/redis.client';
import { RedisPatience } from '../../shared/redis/redis.patience';
import { RedisScript } from '../../shared/redis/redis.script';
import { type Present, QueuePresence } from './queue.presence';

const prefix = 'aerie:queue:present:';
const maxPending = 500_000;
const perCall = 1000;
// Nobody is present for longer than two polling intervals.
const keepMs = 120_000;

// A sorted set for each sale: until when each is present, by the clock of Redis itself. Absolute, so that it may come twice.
const nowMs = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)";
const see = new RedisScript(`${nowMs}
for i = 2, #ARGV, 2 do
  local known = redis.call('ZSCORE', KEYS[1], ARGV[i])
  local till = now + ARGV[i + 1]
  if not known or tonumber(known) < till then redis.call('ZADD', KEYS[1], till, ARGV[i]) end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], ARGV[1])`);
const among = new RedisScript(`${nowMs} local found = {}
for i = 1, #ARGV do
  local till = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if till and tonumber(till) > now then found[#found + 1] = ARGV[i] end
end
return found`);
const count = new RedisScript(`${nowMs} return redis.call('ZCOUNT', KEYS[1], now, '+inf')`);

/**
 * Who asks any of the processes, in Redis. While that does not answer, `own` knows who asks this process: then each process
 * calls only those.
 */
export class RedisPresence extends QueuePresence {
  private pending = new Map<string, Map<string, number>>();
  private pendingCount = 0;

  constructor(
    private readonly client: RedisClient,
    private readonly own: QueuePresence,
    private readonly patience = new RedisPatience(),
  ) {
    super();
  }

  override see(who: Present, forMs: number): void {
    this.own.see(who, forMs);
    const room = this.pending.get(who.saleId) ?? new Map<string, number>();
    this.pending.set(who.saleId, room);
    if (!room.has(who.ticketHash)) this.pendingCount += 1;
    // Those who were seen while Redis is away ask again.
    if (this.pendingCount > maxPending) this.drop();
    else room.set(who.ticketHash, forMs);
  }

  override async among(saleId: string, ticketHashes: readonly string[]): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (let from = 0; from < ticketHashes.length; from += perCall) {
      const part = ticketHashes.slice(from, from + perCall);
      const there = await this.ask(() => among.run(this.client, [`${prefix}${saleId}`], part), undefined);
      if (!Array.isArray(there)) return this.own.among(saleId, ticketHashes);
      for (const hash of there) found.add(String(hash));
    }
    return found;
  }

  override async count(saleId: string): Promise<number> {
    const counted = await this.ask(() => count.run(this.client, [`${prefix}${saleId}`], []), undefined);
    return counted === undefined ? this.own.count(saleId) : Number(counted);
  }

  override async flush(): Promise<void> {
    const { pending } = this;
    this.drop();
    for (const [saleId, room] of pending) {
      const all = [...room];
      for (let from = 0; from < all.length; from += perCall) {
        const args = all.slice(from, from + perCall).flat();
        await this.ask(() => see.run(this.client, [`${prefix}${saleId}`], [keepMs, ...args]), undefined);
      }
    }
  }

  private drop(): void {
    this.pending = new Map();
    this.pendingCount = 0;
  }

  private async ask<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    if (!this.patience.worthwhile) return otherwise;
    try {
      return await this.patience.wait(work());
    } catch {
      // A Redis that is gone is no error here: whoever asks this process is known without it.
      return otherwise;
    }
  }
}
