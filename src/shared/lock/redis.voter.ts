import { within } from '../async/within';
import type { RedisClient } from '../redis/redis.client';

type Callback = (error: Error | null, answer?: unknown) => void;

/** One Redis as redlock asks it, with a time limit for each answer; remembers whether there was one. */
export class RedisVoter {
  answered = false;
  failure: unknown;

  constructor(
    private readonly client: RedisClient,
    private readonly limitMs: number,
  ) {}

  evalsha(hash: string, args: (string | number)[], callback: Callback): void {
    this.ask(this.client.call('EVALSHA', hash, ...args), callback);
  }

  eval(args: (string | number)[], callback: Callback): void {
    const [script = '', ...rest] = args;
    this.ask(this.client.call('EVAL', script, ...rest), callback);
  }

  private ask(reply: Promise<unknown>, callback: Callback): void {
    within(reply, this.limitMs).then(
      (answer) => {
        this.answered = true;
        callback(null, answer);
      },
      (error: Error) => {
        this.failure = error;
        callback(error);
      },
    );
  }
}
