import { guarded } from '../../shared/async/guarded';
import type { ChatFrame } from './chat.frame';

const keptPieces = 4;
const finalText = 0x81;

/** The bytes of the pieces of one tick. Of those who hear the same, the first has them made and the rest share them. */
export class SharedBuffers {
  private readonly tcp: Piece[] = [];
  private readonly webSocket: Piece[] = [];

  /** The lines of TCP. */
  lines(frames: readonly ChatFrame[]): Buffer {
    return shared(this.tcp, frames, () => {
      let text = '';
      for (const frame of frames) text += frame.line;
      return Buffer.from(text, 'utf8');
    });
  }

  /** The frames of WebSocket. */
  frames(frames: readonly ChatFrame[]): Buffer {
    return shared(this.webSocket, frames, () => textFrames(frames.map(({ json }) => json)));
  }
}

interface Piece {
  readonly frames: readonly ChatFrame[];
  readonly bytes: Buffer;
}

function shared(pieces: Piece[], frames: readonly ChatFrame[], make: () => Buffer): Buffer {
  for (const piece of pieces) if (isSame(piece.frames, frames)) return piece.bytes;
  const bytes = make();
  if (pieces.length >= keptPieces) pieces.shift();
  pieces.push({ frames, bytes });
  return bytes;
}

/** Text messages of a server, each in one frame without a mask. Source: RFC 6455, 5.2 */
export function textFrames(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const payload = Buffer.from(text, 'utf8');
      const { length } = payload;
      if (length < 126) return [Buffer.from([finalText, length]), payload];
      const header = Buffer.from([finalText, length < 65_536 ? 126 : 127, ...Array(length < 65_536 ? 2 : 8).fill(0)]);
      if (length < 65_536) header.writeUInt16BE(length, 2);
      else header.writeBigUInt64BE(BigInt(length), 2);
      return [header, payload];
    }),
  );
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
