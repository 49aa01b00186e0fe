// redlock 4.2.0 has no types. What we use of it: https://github.com/mike-marcacci/node-redlock/tree/v4.2.0
declare module 'redlock' {
  /** A connection as redlock calls it; `args`: the number of keys, the keys, the arguments. */
  interface RedlockServer {
    evalsha(hash: string, args: (string | number)[], callback: (error: Error | null, answer?: unknown) => void): void;
    eval(args: (string | number)[], callback: (error: Error | null, answer?: unknown) => void): void;
  }

  class Redlock {
    static LockError: new () => Error;
    constructor(servers: RedlockServer[], options: { retryCount: number; driftFactor: number });
    lock(resource: string, ttlMs: number): PromiseLike<{ unlock(): PromiseLike<void> }>;
  }
  export = Redlock;
}
