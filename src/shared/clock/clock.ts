/** What time it is. Injected, so that a test can say so instead. */
export abstract class Clock {
  /** Milliseconds since 1970, UTC. May jump: for dates only. */
  abstract now(): number;
  /** Milliseconds since some fixed instant; never goes backwards: for durations and deadlines. */
  abstract monotonic(): number;
}
