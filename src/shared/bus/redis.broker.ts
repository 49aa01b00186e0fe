import { ulid } from 'ulid';
import type { RedisClient } from '../redis/redis.client';
import type { RedisClients } from '../redis/redis.clients';
import { RedisScript } from '../redis/redis.script';
import { Broker, type Receiver } from './broker';
import type { BusMessage } from './bus';
import { type Parcel, pack, unpack } from './parcel';

export interface RedisBrokerOptions {
  /** Milliseconds after which a parcel that nobody has settled or extended is delivered again. */
  readonly idleMs: number;
  /** Milliseconds that a parcel is kept for consumers that do not come; they have another way to learn of it. */
  readonly keepMs: number;
  /** Bytes of a stream; beyond it, what is kept is kept for a shorter time. */
  readonly maxBytes: number;
}

const defaults: RedisBrokerOptions = { idleMs: 10_000, keepMs: 30_000, maxBytes: 64 * 1024 * 1024 };
const packing = { maxMessages: 250, maxLength: 64 * 1024, byKey: false };
const most = 64;
const blockMs = 400;
const trimEveryMs = 1000;
const forgetConsumersMs = 600_000;

// KEYS: a stream; ARGV: keepMs, maxBytes. Trims what every group has done with, and what is older than anybody waits: never
// by length, which would take what a group has not read yet.
const trim = new RedisScript(`
local function parts(id) local a, b = string.match(id, '^(%d+)-(%d+)$') return tonumber(a), tonumber(b) end
local function before(x, y)
  local a, b = parts(x)
  local c, d = parts(y)
  return a < c or (a == c and b < d)
end
local bytes = redis.call('MEMORY', 'USAGE', KEYS[1], 'SAMPLES', 5)
if not bytes then return 0 end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local keep = math.min(1, tonumber(ARGV[2]) / bytes) * tonumber(ARGV[1])
local oldest = string.format('%d-0', math.max(0, now - keep))
local done = nil
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local fields = {}
  for i = 1, #group, 2 do fields[group[i]] = group[i + 1] end
  local at = fields['last-delivered-id']
  if fields['pending'] > 0 then at = redis.call('XPENDING', KEYS[1], fields['name'])[2] end
  if not done or before(at, done) then done = at end
end
if done and before(oldest, done) then oldest = done end
return redis.call('XTRIM', KEYS[1], 'MINID', oldest)`);

/**
 * Redis Streams: one stream for each topic, one group for each consumer. A parcel that its process has not settled when that
 * dies is claimed by another (XAUTOCLAIM). A stream, or all of Redis, may vanish: groups are made again.
 */
export class RedisBroker extends Broker {
  override readonly kind = 'redis';
  override readonly extendEveryMs: number;
  private readonly options: RedisBrokerOptions;
  private readonly trimmedAt = new Map<string, number>();

  private constructor(
    private readonly clients: RedisClients,
    private readonly url: string,
    private readonly client: RedisClient,
    options: Partial<RedisBrokerOptions>,
  ) {
    super();
    this.options = { ...defaults, ...options };
    this.extendEveryMs = this.options.idleMs / 3;
  }

  static async open(
    clients: RedisClients,
    url: string,
    options: Partial<RedisBrokerOptions> = {},
  ): Promise<RedisBroker> {
    return new RedisBroker(clients, url, await clients.open(url), options);
  }

  override async send(topic: string, messages: readonly BusMessage<unknown>[]): Promise<number> {
    const stream = streamOf(topic);
    await Promise.all(pack(messages, packing).map(({ text }) => this.client.xadd(stream, '*', 'parcel', text)));
    if (performance.now() - (this.trimmedAt.get(topic) ?? Number.NEGATIVE_INFINITY) < trimEveryMs)
      return messages.length;
    this.trimmedAt.set(topic, performance.now());
    await trim.run(this.client, [stream], [this.options.keepMs, this.options.maxBytes]);
    return messages.length;
  }

  override async probe(): Promise<void> {
    await this.client.ping();
  }

  /** With a connection of its own: whoever waits for messages on one keeps others waiting, too. */
  override async receiver(topic: string, consumer: string): Promise<Receiver> {
    return new RedisReceiver(await this.clients.open(this.url), streamOf(topic), consumer, this.options.idleMs);
  }

  /** Its clients are closed with all others. */
  override async close(): Promise<void> {}
}

/** In a cluster, all that belongs to one stream is on one server. */
function streamOf(topic: string): string {
  return `aerie:bus:{${topic}}`;
}

type Entry = readonly [id: string, fields: readonly string[] | null];

class RedisReceiver implements Receiver {
  readonly most = most;
  private readonly name = ulid();
  private claimedAt = Number.NEGATIVE_INFINITY;
  private held = 0;

  constructor(
    private readonly client: RedisClient,
    private readonly stream: string,
    private readonly group: string,
    private readonly idleMs: number,
  ) {}

  async receive(): Promise<readonly Parcel[]> {
    try {
      const parcels = (await this.claim()) ?? (await this.read());
      this.held += parcels.length;
      return parcels;
    } catch (error) {
      if (!isCode(error, 'NOGROUP')) throw error;
      await this.create();
      return [];
    }
  }

  async settle(parcels: readonly Parcel[]): Promise<void> {
    this.held -= parcels.length;
    if (parcels.length > 0) await this.client.xack(this.stream, this.group, ...parcels.map(({ receipt }) => receipt));
  }

  reject(parcels: readonly Parcel[]): Promise<void> {
    return this.settle(parcels);
  }

  /** They are claimed when they have been idle for long enough. */
  async release(): Promise<void> {}

  /** JUSTID: it is no delivery. */
  async extend(parcels: readonly Parcel[]): Promise<void> {
    const ids = parcels.map(({ receipt }) => receipt);
    if (ids.length > 0) await this.client.xclaim(this.stream, this.group, this.name, 0, ...ids, 'JUSTID');
  }

  /** With a consumer Redis would drop what that has not settled. */
  async close(): Promise<void> {
    if (this.held === 0) await this.client.xgroup('DELCONSUMER', this.stream, this.group, this.name);
  }

  private async read(): Promise<Parcel[]> {
    const of = ['GROUP', this.group, this.name] as const;
    const answer = await this.client.xreadgroup(...of, 'COUNT', most, 'BLOCK', blockMs, 'STREAMS', this.stream, '>');
    const [, entries = []] = ((answer as unknown as [string, Entry[]][] | null) ?? [])[0] ?? [];
    return this.parcels(entries, () => 1);
  }

  /** What others, or this process itself, were given and have not settled; undefined when there is none. */
  private async claim(): Promise<Parcel[] | undefined> {
    if (performance.now() - this.claimedAt < this.idleMs / 2) return undefined;
    const options = [this.stream, this.group, this.name, this.idleMs, '0', 'COUNT', most] as const;
    const [, entries] = (await this.client.xautoclaim(...options)) as [string, Entry[]];
    const [first, last] = [entries[0], entries.at(-1)];
    if (!first || !last) {
      // Only now: more may have been waiting than came at once.
      this.claimedAt = performance.now();
      return this.forget();
    }
    const pending = await this.client.xpending(this.stream, this.group, first[0], last[0], most, this.name);
    const deliveries = new Map((pending as [string, string, number, number][]).map(([id, , , count]) => [id, count]));
    return this.parcels(entries, (id) => deliveries.get(id) ?? 1);
  }

  /** Removes processes that have long been gone. What they had not settled was claimed before. */
  private async forget(): Promise<undefined> {
    const consumers = (await this.client.xinfo('CONSUMERS', this.stream, this.group)) as (string | number)[][];
    for (const fields of consumers) {
      const told = new Map(fields.map((field, i) => [field, fields[i + 1]]));
      if (told.get('pending') === 0 && Number(told.get('idle')) > forgetConsumersMs)
        await this.client.xgroup('DELCONSUMER', this.stream, this.group, String(told.get('name')));
    }
    return undefined;
  }

  /** From the first message that is still there: consumers know what they have had. */
  private async create(): Promise<void> {
    try {
      await this.client.xgroup('CREATE', this.stream, this.group, '0', 'MKSTREAM');
    } catch (error) {
      if (!isCode(error, 'BUSYGROUP')) throw error;
    }
  }

  private parcels(entries: readonly Entry[], deliveries: (id: string) => number): Parcel[] {
    return entries.map(([id, fields]) => ({
      // An entry that was trimmed meanwhile holds nothing.
      messages: fields === null ? [] : unpack(fields[1] ?? ''),
      receipt: id,
      deliveries: deliveries(id),
    }));
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}
