const prefixBytes = 5;
// A frame and its buffer cost so much beside the bytes: a peer that sends single bytes must not be counted by those alone.
const bytesPerFrame = 256;

/**
 * How much memory the message holds that a gRPC stream is in the middle of. Source: gRPC over HTTP/2, Length-Prefixed-Message: a byte
 * of flags, four of length, the message.
 */
export class MessageMeter {
  /** Bytes held by the message that is not whole; 0 between messages. */
  held = 0;
  /** Whole messages so far. */
  messages = 0;
  private prefix = 0;
  private length = 0;
  private left = 0;

  /** Takes what one DATA frame brought. */
  take(chunk: Buffer): void {
    this.held += bytesPerFrame;
    let at = 0;
    while (at < chunk.length) {
      if (this.prefix < prefixBytes) {
        if (this.prefix > 0) this.length = this.length * 256 + (chunk[at] ?? 0);
        this.prefix += 1;
        at += 1;
        if (this.prefix === prefixBytes) this.left = this.length;
      } else {
        const taken = Math.min(this.left, chunk.length - at);
        this.left -= taken;
        at += taken;
      }
      if (this.prefix === prefixBytes && this.left === 0) this.whole();
      else if (at === chunk.length) this.held += chunk.length;
    }
  }

  private whole(): void {
    this.messages += 1;
    this.held = 0;
    this.prefix = 0;
    this.length = 0;
  }
}
