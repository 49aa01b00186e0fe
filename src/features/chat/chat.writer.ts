import { type ChatFlusher, SharedBuffers } from './chat.flusher';
import { ChatFrame } from './chat.frame';

const maxFrames = 64;
const maxBytes = 64 * 1024;
// Beyond the queue; a client asks for each of them.
const maxEssentials = 64;

/** What a writer puts frames on: one wire's connection. */
export interface ChatTransport {
  /**
   * Sends frames in one piece. True when the system has taken them at once; otherwise `done` is called, once, when it has.
   * Never throws.
   */
  write(frames: readonly ChatFrame[], shared: SharedBuffers, done: () => void): boolean;
}

/**
 * The way out to one client. What is pushed within a tick goes out as one piece, and while a piece is under way the rest
 * waits: 64 frames or 64 KiB. What is beyond is dropped, counted, and told as soon as the client has taken what it was sent;
 * but not where a client is, without which it could not understand what follows.
 * Whatever the client does, pushing never waits.
 */
export class ChatWriter {
  private queue: ChatFrame[] = [];
  private bytes = 0;
  /** Of the queue so many belong to a replay, or stand before it; they are bounded by the history. */
  private exempt = 0;
  private dropped = 0;
  private droppedMessages = 0;
  private essentials = 0;
  private underWay = false;
  private scheduled = false;
  private closed = false;
  private fullAt: number | undefined;
  private idle: (() => void)[] = [];

  constructor(
    private readonly transport: ChatTransport,
    private readonly flusher: ChatFlusher,
    /** How many frames were dropped, with each one. */
    private readonly onDrop: () => void,
  ) {}

  push(frame: ChatFrame): void {
    if (this.closed) return;
    // However much a tick brings: what the system takes at once is never too much.
    if (this.isFull(frame) && !this.underWay && this.dropped === 0) this.send(new SharedBuffers());
    if (this.dropped > 0 || this.isFull(frame)) {
      if (!frame.essential || this.essentials >= maxEssentials) {
        this.drop(frame);
        return;
      }
      this.essentials += 1;
      this.closeGap();
    }
    this.queue.push(frame);
    this.bytes += frame.size;
    this.schedule();
  }

  /**
   * Frames that the client has asked for, and which were said before all that is pushed from now on; the first says what
   * they are.
   */
  replay(frames: readonly ChatFrame[]): void {
    if (this.closed) return;
    while (this.exempt > 0 && !this.underWay) this.send(new SharedBuffers());
    // Whoever asks again and again, and reads nothing, gets no more for it.
    if (this.exempt > 0) {
      for (const frame of frames) this.push(frame);
      return;
    }
    this.closeGap();
    this.queue.push(...frames);
    this.exempt = this.queue.length;
    this.bytes = 0;
    this.schedule();
  }

  /** Since when frames are dropped, on the monotonic clock; undefined while all go out. */
  get fullSince(): number | undefined {
    return this.fullAt;
  }

  /** Bytes that wait here for this client alone, without what is under way. */
  get waiting(): number {
    return this.bytes;
  }

  /** The share of the queue that is taken. */
  get fill(): number {
    return Math.min(1, Math.max((this.queue.length - this.exempt) / maxFrames, this.bytes / maxBytes));
  }

  /** Resolves when all that was pushed has gone out. */
  flushed(): Promise<void> {
    if (this.closed || (!this.underWay && this.queue.length === 0)) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  /** Nothing more goes out. */
  close(): void {
    this.closed = true;
    this.queue = [];
    this.bytes = 0;
    this.exempt = 0;
    this.settle();
  }

  /** Called by the flusher, once a tick at most. */
  flush(shared: SharedBuffers): void {
    this.scheduled = false;
    this.send(shared);
  }

  private send(shared: SharedBuffers): void {
    if (this.closed || this.underWay || this.queue.length === 0) return;
    const piece = this.take();
    this.underWay = true;
    // All that stands before the gap is on its way: what is pushed from now on stands behind it.
    if (this.queue.length === 0) {
      this.essentials = 0;
      this.closeGap();
    }
    if (this.transport.write(piece, shared, () => this.done())) this.done();
  }

  private done(): void {
    this.underWay = false;
    // It reads.
    this.fullAt = this.dropped > 0 ? performance.now() : undefined;
    if (this.queue.length > 0) this.schedule();
    else this.settle();
  }

  private settle(): void {
    const waiting = this.idle;
    this.idle = [];
    for (const resolve of waiting) resolve();
  }

  /** All that waits, or of a long replay one piece. */
  private take(): readonly ChatFrame[] {
    if (this.exempt === 0) {
      const all = this.queue;
      this.queue = [];
      this.bytes = 0;
      return all;
    }
    let size = 0;
    let count = 0;
    while (count < this.exempt && (size < maxBytes || count === 0)) {
      size += this.queue[count]?.size ?? 0;
      count += 1;
    }
    this.exempt -= count;
    return this.queue.splice(0, count);
  }

  private schedule(): void {
    if (this.scheduled || this.underWay) return;
    this.scheduled = true;
    this.flusher.add(this);
  }

  private isFull(frame: ChatFrame): boolean {
    return this.queue.length - this.exempt >= maxFrames || this.bytes + frame.size > maxBytes;
  }

  private drop(frame: ChatFrame): void {
    this.fullAt ??= performance.now();
    this.dropped += 1;
    if (frame.numbered) this.droppedMessages += 1;
    this.onDrop();
  }

  /** Says how large the gap is, should there be one, which is over then. */
  private closeGap(): void {
    if (this.dropped === 0) return;
    const missed = new ChatFrame({ type: 'missed', count: this.dropped, messages: this.droppedMessages });
    this.dropped = 0;
    this.droppedMessages = 0;
    this.queue.push(missed);
    this.bytes += missed.size;
  }
}
