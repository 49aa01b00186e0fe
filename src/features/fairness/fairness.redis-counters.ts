import type { PinoLogger } from 'nestjs-pino';
import type { CheckedEvent } from '../../generated/aerie/fairness/v1/fairness';
import { Seldom } from '../../shared/async/seldom';
import type { Metrics } from '../../shared/metrics/metrics';
import { RedisBuckets } from '../../shared/redis/redis.buckets';
import type { RedisClient } from '../../shared/redis/redis.client';
import { RedisPatience } from '../../shared/redis/redis.patience';
import { RedisScript } from '../../shared/redis/redis.script';
import { type Counted, FairnessCounters, minDeviation, type Sample } from './fairness.counters';
import type { Rules } from './fairness.rules';

// KEYS: for each player the events that were counted within the last second, and the strikes. ARGV: maxEvents, maxStrikes,
// strikeWindowMs, 1 in enforce mode; then for each event the number of its player and its id. Answers wait and strikes of each.
const countScript = new RedisScript(`
local maxEvents, maxStrikes, strikeWindow = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local answer, over, swept = {}, {}, {}
local function strike(key)
  local last = redis.call('LINDEX', key, -1)
  if last and now - tonumber(last) < 1000 then return 0 end
  redis.call('RPUSH', key, now)
  while now - tonumber(redis.call('LINDEX', key, 0)) >= strikeWindow do redis.call('LPOP', key) end
  redis.call('PEXPIRE', key, strikeWindow)
  return redis.call('LLEN', key)
end
for i = 5, #ARGV, 2 do
  local player = tonumber(ARGV[i])
  local sent, struck = KEYS[2 * player - 1], KEYS[2 * player]
  local wait, strikes = 0, 0
  if not over[player] then
    if not swept[player] then redis.call('ZREMRANGEBYSCORE', sent, '-inf', now - 1000) end
    swept[player] = true
    if not redis.call('ZSCORE', sent, ARGV[i + 1]) then
      local count = redis.call('ZCARD', sent)
      if count < maxEvents then
        redis.call('ZADD', sent, now, ARGV[i + 1])
        redis.call('PEXPIRE', sent, 1000)
      else
        local inTheWay = redis.call('ZRANGE', sent, count - maxEvents, count - maxEvents, 'WITHSCORES')
        wait = math.max(1, 1000 - (now - tonumber(inTheWay[2])))
        strikes = strike(struck)
        if strikes >= maxStrikes then
          redis.call('DEL', struck)
          if ARGV[4] == '1' then over[player] = true end
        end
      end
    end
  end
  answer[#answer + 1] = wait
  answer[#answer + 1] = strikes
end
return answer`);

// KEYS: a player's strikes; ARGV: strikeWindowMs.
const strikesScript = new RedisScript(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local count = 0
for _, at in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if now - tonumber(at) < tonumber(ARGV[1]) then count = count + 1 end
end
return count`);

// KEYS: each player's samples. ARGV: minSamples, least deviation, milliseconds that samples are kept; then for each sample
// the number of its player and its points. Numbers travel as text: Redis cuts off fractions of what a script answers.
const deviationsScript = new RedisScript(`
local minSamples, least, keep = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local answer, players = {}, {}
for i = 4, #ARGV, 2 do
  local number = tonumber(ARGV[i])
  local points = tonumber(ARGV[i + 1])
  local samples = players[number]
  if not samples then
    local known = redis.call('HMGET', KEYS[number], 'count', 'mean', 'squares')
    samples = { count = tonumber(known[1] or 0), mean = tonumber(known[2] or 0), squares = tonumber(known[3] or 0) }
    players[number] = samples
  end
  local distance = points - samples.mean
  local deviation = samples.count < 2 and 0 or math.sqrt(samples.squares / (samples.count - 1))
  local score = samples.count < minSamples and 0 or math.abs(distance) / math.max(deviation, least)
  samples.count = samples.count + 1
  samples.mean = samples.mean + distance / samples.count
  samples.squares = samples.squares + distance * (points - samples.mean)
  answer[#answer + 1] = string.format('%.17g', score)
end
for number, samples in pairs(players) do
  local mean, squares = string.format('%.17g', samples.mean), string.format('%.17g', samples.squares)
  redis.call('HSET', KEYS[number], 'count', samples.count, 'mean', mean, 'squares', squares)
  redis.call('PEXPIRE', KEYS[number], keep)
end
return answer`);

const sampleKeepMs = 7 * 24 * 3_600_000;
const tellEveryMs = 30_000;

/**
 * Counts in Redis, by its clock, for all processes together: one script for each group of events, or a few in a cluster.
 * While Redis does not answer within 150 ms each process counts for itself: more pass then, never without a limit.
 */
export class RedisFairnessCounters extends FairnessCounters {
  private readonly patience = new RedisPatience();
  private readonly told = new Seldom(tellEveryMs);
  private readonly requests;
  private readonly buckets: RedisBuckets;

  constructor(
    private readonly client: RedisClient,
    private readonly insurance: FairnessCounters,
    private readonly logger: PinoLogger,
    metrics: Metrics,
  ) {
    super();
    this.buckets = new RedisBuckets(client);
    this.requests = metrics.counter('fairness_redis_requests_total', 'Questions to Redis and whether it answered', [
      'status',
    ]);
  }

  override async count(events: readonly CheckedEvent[], rule: Rules['flood']): Promise<readonly Counted[]> {
    const { maxEvents, maxStrikes, strikeWindowSeconds } = rule.thresholds;
    const isEnforced = rule.mode === 'enforce';
    const options = [maxEvents, maxStrikes, strikeWindowSeconds * 1000, isEnforced ? 1 : 0];
    const struck = isEnforced ? 'strikes' : 'shadow';
    const work = () =>
      this.buckets.spread(events, playerOf, async (group) => {
        const { keys, numbers } = this.keysOf(group, ['sent', struck]);
        const args = group.flatMap(({ eventId }, i) => [numbers[i] ?? 0, eventId]);
        const answer = (await countScript.run(this.client, keys, [...options, ...args])) as number[];
        return group.map((_event, i): Counted => ({ wait: answer[2 * i] ?? 0, strikes: answer[2 * i + 1] ?? 0 }));
      });
    return this.ask(work, () => this.insurance.count(events, rule));
  }

  override async strikesOf(playerId: string, rule: Rules['flood']): Promise<number> {
    const window = rule.thresholds.strikeWindowSeconds * 1000;
    const work = async () => Number(await strikesScript.run(this.client, [this.key(playerId, 'strikes')], [window]));
    return this.ask(work, () => this.insurance.strikesOf(playerId, rule));
  }

  override async forgive(playerId: string): Promise<void> {
    await this.insurance.forgive(playerId);
    await this.ask(
      () => this.client.del(this.key(playerId, 'strikes')),
      () => 0,
    );
  }

  override async deviations(samples: readonly Sample[], minSamples: number): Promise<readonly number[]> {
    const work = () =>
      this.buckets.spread(samples, playerOf, async (group) => {
        const { keys, numbers } = this.keysOf(group, ['samples']);
        const args = group.flatMap(({ points }, i) => [numbers[i] ?? 0, points]);
        const options = [minSamples, minDeviation, sampleKeepMs];
        return ((await deviationsScript.run(this.client, keys, [...options, ...args])) as string[]).map(Number);
      });
    return this.ask(work, () => this.insurance.deviations(samples, minSamples));
  }

  override sweep(): void {
    this.insurance.sweep();
  }

  /** What Redis answers, or in its place what `otherwise` does. */
  private async ask<T>(work: () => Promise<T>, otherwise: () => T | Promise<T>): Promise<T> {
    if (!this.patience.worthwhile) return otherwise();
    try {
      const answer = await this.patience.wait(work());
      this.requests.inc({ status: 'ok' });
      return answer;
    } catch (error) {
      this.requests.inc({ status: 'failed' });
      if (this.told.now()) this.logger.warn({ err: error }, 'fairness_counts_alone');
      return otherwise();
    }
  }

  /** The keys of these players, each player once, and for each item the number of its player, from 1 on. */
  private keysOf(items: readonly { readonly playerId: string }[], kinds: readonly string[]) {
    const known = new Map<string, number>();
    const keys: string[] = [];
    const numbers = items.map(({ playerId }) => {
      const number = known.get(playerId) ?? known.size + 1;
      if (!known.has(playerId)) for (const kind of kinds) keys.push(this.key(playerId, kind));
      known.set(playerId, number);
      return number;
    });
    return { keys, numbers };
  }

  private key(playerId: string, kind: string): string {
    return `aerie:{fairness-${this.buckets.of(playerId)}}:${kind}:${playerId}`;
  }
}

function playerOf({ playerId }: { readonly playerId: string }): string {
  return playerId;
}
