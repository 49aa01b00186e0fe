import type { Redis } from 'ioredis';
import { guarded } from '../async/guarded';
import { within } from '../async/within';
import { connections, type RedisClient } from './redis.client';
import { commandTimeoutMs } from './redis.options';

const everyMs = 500;
const missesAllowed = 1;
// A command has failed before; whatever may keep its answer for ever must not keep this from asking again.
const answerMs = 2 * commandTimeoutMs;

/**
 * Finds connections on which nothing comes back any more (a frozen server, a dropped route) and has them made anew:
 * until then every command would wait for its time limit, and go out late to a server that wakes up.
 */
export class RedisHeartbeat {
  private readonly timer: NodeJS.Timeout;
  private readonly misses = new WeakMap<Redis, number>();
  private asking = false;

  constructor(private readonly client: RedisClient) {
    this.timer = setInterval(
      guarded(() => this.beat()),
      everyMs,
    ).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async beat(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    await Promise.all(connections(this.client).map((connection) => this.ask(connection)));
    this.asking = false;
  }

  private async ask(connection: Redis): Promise<void> {
    // Whatever is not ready is being connected to, with time limits of its own.
    if (connection.status !== 'ready') return;
    try {
      await within(connection.ping(), answerMs);
      this.misses.delete(connection);
    } catch {
      const misses = (this.misses.get(connection) ?? 0) + 1;
      this.misses.set(connection, misses);
      // One may be this process's own fault: a thread that was busy for a second reads the clock before the answers.
      if (misses > missesAllowed && connection.status === 'ready') connection.disconnect(true);
    }
  }
}
