import { guarded } from '../../shared/async/guarded';
import type { ChatFrame } from './chat.frame';

const keptPieces = 4;

/** The bytes of the pieces of one tick. Of those who hear the same, the first has them made and the rest share them. */
export class SharedBuffers {
  private readonly pieces: { readonly frames: readonly ChatFrame[]; readonly bytes: Buffer }[] = [];

  /** The lines of TCP. */
  lines(frames: readonly ChatFrame[]): Buffer {
    for (const piece of this.pieces) if (isSame(piece.frames, frames)) return piece.bytes;
    let text = '';
    for (const frame of frames) text += frame.line;
    const bytes = Buffer.from(text, 'utf8');
    if (this.pieces.length >= keptPieces) this.pieces.shift();
    this.pieces.push({ frames, bytes });
    return bytes;
  }
}

function isSame(one: readonly ChatFrame[], other: readonly ChatFrame[]): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i += 1) if (one[i] !== other[i]) return false;
  return true;
}

/** What has something to be sent. */
export interface Flushed {
  flush(shared: SharedBuffers): void;
}

/** Flushes, once a tick, the writers to which something was pushed in it. */
export class ChatFlusher {
  private due: Flushed[] = [];
  private oldest: number | undefined;

  /** `delivered` hears how long after the first push of a tick its pieces were handed to the kernel. Milliseconds. */
  constructor(private readonly delivered: (milliseconds: number) => void) {}

  add(writer: Flushed): void {
    if (this.due.length === 0) {
      this.oldest = performance.now();
      setImmediate(guarded(() => this.flush()));
    }
    this.due.push(writer);
  }

  /** At once: when the process leaves, and in tests. */
  flush(): void {
    const due = this.due;
    this.due = [];
    if (due.length === 0) return;
    const shared = new SharedBuffers();
    for (const writer of due) writer.flush(shared);
    this.delivered(performance.now() - (this.oldest ?? 0));
  }
}
