import type { PinoLogger } from 'nestjs-pino';
import { ulid } from 'ulid';
import { guarded } from '../async/guarded';
import { Seldom } from '../async/seldom';
import { RedisBuckets } from '../redis/redis.buckets';
import type { RedisClient } from '../redis/redis.client';
import { RedisPatience } from '../redis/redis.patience';
import { RedisScript } from '../redis/redis.script';
import { Cache, type CacheSpace, type Copy } from './cache';
import type { CacheMetrics } from './cache.metrics';

// Each copy is two keys with one hash tag: the copy, `version:json`, and the changes of it that are under way, a set.

// Longer than any change takes; so long a process that died keeps others from using copies of what it was changing.
const changeMs = 10_000;
const maxDoubted = 100_000;
const doubtedAtOnce = 500;
const retryMs = 250;
const tellEveryMs = 30_000;

const store = `
local function store(key, version, json, ttl)
  local known = redis.call('GET', key)
  if known and tonumber(string.match(known, '^(%d+):')) > tonumber(version) then return 0 end
  redis.call('SET', key, version .. ':' .. json, 'PX', ttl)
  return 1
end`;

// KEYS: copy, changes.
const getScript = new RedisScript(`
if redis.call('EXISTS', KEYS[2]) == 1 then return false end
return redis.call('GET', KEYS[1])`);

// KEYS: copy, changes. ARGV: version, json, milliseconds to live.
const putScript = new RedisScript(`${store}
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
return store(KEYS[1], ARGV[1], ARGV[2], ARGV[3])`);

// KEYS: copy, changes, for each. ARGV: the change, milliseconds that it may take.
const beginScript = new RedisScript(`
for i = 2, #KEYS, 2 do
  redis.call('SADD', KEYS[i], ARGV[1])
  redis.call('PEXPIRE', KEYS[i], ARGV[2])
end
return 1`);

// KEYS: as before. ARGV: the change, milliseconds to live, then version and json of each; both empty: only what was is gone.
const endScript = new RedisScript(`${store}
for i = 1, #KEYS, 2 do
  if ARGV[i + 2] == '' then redis.call('DEL', KEYS[i]) else store(KEYS[i], ARGV[i + 2], ARGV[i + 3], ARGV[2]) end
  redis.call('SREM', KEYS[i + 1], ARGV[1])
end
return 1`);

/**
 * In Redis, for all processes together. Around each change its keys are marked, so that a process that dies between its
 * COMMIT and its copies leaves nothing stale. What could not be marked or replaced, since Redis did not answer, is doubted:
 * it is removed as soon as Redis does.
 */
export class RedisCache extends Cache {
  private readonly patience = new RedisPatience();
  private readonly buckets: RedisBuckets;
  private readonly told = new Seldom(tellEveryMs);
  // Copies in Redis that may be stale, and since when, oldest first.
  private readonly doubted = new Map<string, number>();
  private removing: NodeJS.Timeout | undefined;

  constructor(
    private readonly client: RedisClient,
    private readonly ttlMs: number,
    private readonly metrics: CacheMetrics,
    private readonly logger: PinoLogger,
  ) {
    super();
    this.buckets = new RedisBuckets(client);
  }

  override async get<Value extends object>(space: CacheSpace, key: string): Promise<Value | undefined> {
    const keys = this.keysOf(space, key);
    const answer = this.doubted.has(keys[0]) ? undefined : await this.ask(() => getScript.run(this.client, keys, []));
    const found = typeof answer === 'string' ? (JSON.parse(answer.slice(answer.indexOf(':') + 1)) as Value) : undefined;
    this.metrics.count(space.service, 'get', found ? 'hit' : answer === undefined ? 'bypass' : 'miss');
    return found;
  }

  override async put(space: CacheSpace, { key, value, version }: Copy): Promise<void> {
    const keys = this.keysOf(space, key);
    if (this.doubted.has(keys[0])) return;
    const args = [version, JSON.stringify(value), this.ttlMs];
    const answer = await this.ask(() => putScript.run(this.client, keys, args));
    if (answer !== undefined) this.metrics.count(space.service, 'put', answer === 1 ? 'stored' : 'outdated');
  }

  override async change<Result>(
    space: CacheSpace,
    keys: readonly string[],
    work: () => Promise<Result>,
    made: (result: Result) => readonly Copy[],
  ): Promise<Result> {
    const change = ulid();
    const begun = await this.spread(keys, (group) =>
      beginScript.run(
        this.client,
        group.flatMap((key) => this.keysOf(space, key)),
        [change, changeMs],
      ),
    );
    const copies = new Map<string, Copy>();
    let ended = false;
    try {
      const result = await work();
      for (const copy of made(result)) copies.set(copy.key, copy);
      ended = await this.spread(keys, (group) => this.end(space, group, change, copies));
      if (ended) this.metrics.count(space.service, 'put', 'stored');
      return result;
    } finally {
      // Also where it failed: the outcome of a COMMIT may be unknown, so the mark stays until it ends by itself.
      if (!begun || !ended) this.doubt(keys.map((key) => this.keysOf(space, key)[0]));
    }
  }

  private end(space: CacheSpace, group: readonly string[], change: string, copies: ReadonlyMap<string, Copy>) {
    const keys = group.flatMap((key) => this.keysOf(space, key));
    const args = group.flatMap((key) => {
      const copy = copies.get(key);
      return copy ? [copy.version, JSON.stringify(copy.value)] : ['', ''];
    });
    return endScript.run(this.client, keys, [change, this.ttlMs, ...args]);
  }

  /** False when Redis did not do it, or did not say so. */
  private async spread(
    keys: readonly string[],
    work: (group: readonly string[]) => Promise<unknown>,
  ): Promise<boolean> {
    const each = async (group: readonly string[]): Promise<readonly true[]> => {
      await work(group);
      return group.map(() => true);
    };
    return (await this.ask(() => this.buckets.spread(keys, (key) => key, each))) !== undefined;
  }

  /** Undefined when Redis does not answer. */
  private async ask<T>(work: () => Promise<T>): Promise<T | null | undefined> {
    if (!this.patience.worthwhile) return undefined;
    try {
      return await this.patience.wait(work());
    } catch (error) {
      if (this.told.now()) this.logger.warn({ err: error }, 'cache_silent');
      return undefined;
    }
  }

  private doubt(copies: readonly string[]): void {
    for (const copy of copies) {
      this.doubted.delete(copy);
      this.doubted.set(copy, performance.now());
    }
    // The oldest have ended by themselves, or are about to.
    for (const copy of this.doubted.keys()) if (this.doubted.size > maxDoubted) this.doubted.delete(copy);
    this.removeSoon();
  }

  private removeSoon(): void {
    if (this.doubted.size === 0) return;
    this.removing ??= setTimeout(
      guarded(async () => {
        this.removing = undefined;
        await this.removeDoubted();
        this.removeSoon();
      }),
      retryMs,
    ).unref();
  }

  private async removeDoubted(): Promise<void> {
    const ended = performance.now() - this.ttlMs;
    for (const [copy, since] of this.doubted) if (since < ended) this.doubted.delete(copy);
    const some = [...this.doubted].slice(0, doubtedAtOnce);
    const removed = await this.ask(() => Promise.all(some.map(([copy]) => this.client.del(copy))));
    // Not what has been doubted again since.
    if (removed) for (const [copy, since] of some) if (this.doubted.get(copy) === since) this.doubted.delete(copy);
  }

  private keysOf({ service, name }: CacheSpace, key: string): [copy: string, changes: string] {
    const copy = `aerie:{cache-${this.buckets.of(key)}}:${service}:${name}:${key}`;
    return [copy, `${copy}:changes`];
  }
}
