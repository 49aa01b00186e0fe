// What the application tells of its consumers.

/** `total`: events that every consumer has applied; `lag`: progression's buckets, from accepted to applied. */
export function parseMetrics(text) {
  let progression = 0;
  let leaderboard = 0;
  const lag = [];
  for (const line of text.split('\n')) {
    const value = Number(line.slice(line.lastIndexOf(' ') + 1));
    if (line.startsWith('progression_events_total')) progression += value;
    if (line.startsWith('leaderboard_lag_seconds_count')) leaderboard = value;
    const bucket = /^progression_lag_seconds_bucket\{.*le="([^"]+)"/.exec(line)?.[1];
    if (bucket) lag.push({ le: bucket === '+Inf' ? Number.POSITIVE_INFINITY : Number(bucket), count: value });
  }
  return { total: Math.min(progression, leaderboard), progression, leaderboard, lag };
}

/** The quantile of what was observed between two readings, in seconds: the upper end of its bucket, interpolated. */
export function lagQuantile(before, after, quantile) {
  const counts = after.lag.map(({ le, count }, index) => ({ le, count: count - (before.lag[index]?.count ?? 0) }));
  const wanted = (counts.at(-1)?.count ?? 0) * quantile;
  let previous = { le: 0, count: 0 };
  for (const bucket of counts) {
    if (bucket.count >= wanted && bucket.count > 0) {
      if (!Number.isFinite(bucket.le)) return bucket.le;
      const share = (wanted - previous.count) / Math.max(1, bucket.count - previous.count);
      return previous.le + (bucket.le - previous.le) * Math.max(0, share);
    }
    previous = bucket;
  }
  return 0;
}
