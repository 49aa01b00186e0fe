import { createHash } from 'node:crypto';
import type { RedisClient } from './redis.client';

/** A Lua script: sent as its hash, and whole to a server that does not know it (a fresh one, a failover). */
export class RedisScript {
  private readonly hash: string;

  constructor(private readonly text: string) {
    this.hash = createHash('sha1').update(text).digest('hex');
  }

  /** In a cluster all keys must have one hash tag. @throws the error of the command */
  async run(client: RedisClient, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await client.evalsha(this.hash, keys.length, ...keys, ...args);
    } catch (error) {
      // It has not run.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return client.eval(this.text, keys.length, ...keys, ...args);
    }
  }
}
