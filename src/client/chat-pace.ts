const most = 10;
/** A tenth more than the server's second: what was sent apart may arrive closer together. */
const windowMs = 1100;
const firstPauseMs = 500;
const longestPauseMs = 15_000;

/** How fast a client may speak: ten frames a second. */
export class SpeakingPace {
  private readonly sent: number[] = [];

  /** Milliseconds until the next frame may go out, on the monotonic clock. */
  waitMs(now: number): number {
    const first = this.sent[0];
    return first === undefined || this.sent.length < most ? 0 : Math.max(0, first + windowMs - now);
  }

  took(now: number): void {
    this.sent.push(now);
    if (this.sent.length > most) this.sent.shift();
  }
}

/** Pauses between attempts to connect: they double, with jitter so that not all clients of a server come back as one. */
export class ChatBackOff {
  private failed = 0;

  next(): number {
    const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** this.failed);
    this.failed += 1;
    return pause * (0.5 + Math.random() / 2);
  }

  reset(): void {
    this.failed = 0;
  }
}
