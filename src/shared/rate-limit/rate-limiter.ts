import type { Limit, LimitLeft } from '../errors/app-error';

/** The rest that a key has after this time. Windows are fixed: they begin with a key's first time. */
export interface Taken extends LimitLeft {
  /** True when this time was one too many. */
  readonly exceeded: boolean;
}

/**
 * Counts how often something is tried, and says when it is too often. With a server for it all processes count together;
 * without one, each for itself. Memory is bounded, whatever keys callers make up.
 */
export abstract class RateLimiter {
  /** Counts one more. Never throws: whatever counts is itself not worth an outage. */
  abstract take(limit: Limit, key: string): Promise<Taken>;
}
