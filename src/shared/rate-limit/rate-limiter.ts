/** So many times in so long for each key. Windows are fixed: they begin with a key's first time. */
export interface Limit {
  /** In the RateLimit headers, in metrics, and what keeps the keys of two limits apart. */
  readonly name: string;
  readonly max: number;
  readonly windowSeconds: number;
}

/** What a key has left after this time. */
export interface Taken {
  readonly limit: Limit;
  /** Whether this time was one too many. */
  readonly exceeded: boolean;
  readonly remaining: number;
  /** Until the window ends. */
  readonly resetMs: number;
}

/**
 * Counts how often something is tried, and says when it is too often. With a server for it all processes count together;
 * without one, each for itself. Memory is bounded, whatever keys callers make up.
 */
export abstract class RateLimiter {
  /** Counts one more. Never throws: whatever counts is itself not worth an outage. */
  abstract take(limit: Limit, key: string): Promise<Taken>;
}

/**
 * RateLimit and RateLimit-Policy.
 * Source: draft-ietf-httpapi-ratelimit-headers
 */
export function rateLimitHeaders(taken: readonly Taken[]): Readonly<Record<string, string>> {
  return {
    'ratelimit-policy': taken.map(({ limit }) => `"${limit.name}";q=${limit.max};w=${limit.windowSeconds}`).join(', '),
    ratelimit: taken
      .map(({ limit, remaining, resetMs }) => `"${limit.name}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`)
      .join(', '),
  };
}
