import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chatContract as chat } from '../../../src/features/chat/chat.api';
import { type AppProcess, startApp } from '../../support/app';
import { everyDatabase } from '../../support/databases';
import { type RedisServer, startRedis } from '../../support/redis';
import { HttpWire } from '../../support/wires';
import type { Heard } from './clients';

// Two processes on one Redis.

export interface Two extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly one: AppProcess;
  readonly other: AppProcess;
}

const dist = join(__dirname, '../../../dist');

// A process goes on by itself when Redis has not answered for 250 ms, which a busy machine needs at times.
const patient = `
  const exchange = require('${dist}/features/chat/chat.redis-exchange.js');
  const options = require('${dist}/shared/redis/redis.options.js');
  const { RedisChatExchange } = exchange;
  exchange.RedisChatExchange = class extends RedisChatExchange {
    constructor(client, subscriber, told) {
      super(client, subscriber, told, { leaseMs: 5000, beatMs: 1000, answerMs: 20_000 });
    }
  };
  const { serverOptions } = options;
  options.serverOptions = (address) => ({ ...serverOptions(address), commandTimeout: 20_000 });
  require('${dist}/main.js');
`;

/** `patient`: both wait for Redis, however slow the machine is; for what is not about a Redis in trouble. */
export async function startTwo(how?: 'patient'): Promise<Two> {
  const redis = await startRedis();
  const database = await everyDatabase[0]!.create();
  const folder = await mkdtemp(join(tmpdir(), 'aerie-two-'));
  await writeFile(join(folder, 'main.js'), patient);
  const env = { CHAT_PORT: '0', REDIS_URL: redis.url, LOG_LEVEL: 'info' };
  const start = (): Promise<AppProcess> => startApp({ env, ...(how && { dist: folder }) });
  const [one, other] = await Promise.all([start(), start()]);
  const close = async (): Promise<void> => {
    for (const each of [one, other, redis, database]) await each[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  };
  return { redis, one, other, [Symbol.asyncDispose]: close };
}

export const users = async ({ url }: AppProcess): Promise<string[]> => {
  const { body } = await new HttpWire(url).call(chat, 'listChatUsers', {});
  return (body.users as { name: string }[]).map(({ name }) => name);
};

export const status = async ({ url }: AppProcess): Promise<unknown> => {
  const report = (await (await fetch(`${url}/health/ready`)).json()) as { checks: Record<string, { status: string }> };
  return report.checks.chat?.status;
};

/** Numbers of one epoch follow each other, after whatever says where they stand; none comes twice. */
export function expectNoHole(heard: readonly Heard[]): void {
  let [epoch, last] = ['', 0];
  const seen = new Set<string>();
  for (const { type, seq, epoch: of } of heard) {
    if (type === 'welcome' || type === 'room') [epoch, last] = [String(of), Number(seq)];
    if (type !== 'message') continue;
    expect([of, seq]).toEqual([epoch, last + 1]);
    expect(seen).not.toContain(`${of}:${seq}`);
    seen.add(`${of}:${seq}`);
    last += 1;
  }
}
