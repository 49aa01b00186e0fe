import { createHash, hash } from 'node:crypto';

const blockBytes = 64;
const macBytes = 32;
// As much as most messages have; larger ones get a buffer of their own.
const scratchBytes = 16 * 1024;

function padded(key: Buffer, pad: number): Buffer {
  const block = Buffer.alloc(blockBytes, pad);
  for (const [i, byte] of key.entries()) block[i] = byte ^ pad;
  return block;
}

/**
 * HMAC-SHA256 under one key, as two one-shot hashes over pads that are prepared once: half of what createHmac costs for a
 * short message. Source: RFC 2104
 */
export class HmacSha256 {
  private readonly inner: Buffer;
  private readonly outer: Buffer;

  constructor(secret: Buffer) {
    const key = secret.length > blockBytes ? createHash('sha256').update(secret).digest() : secret;
    this.inner = Buffer.concat([padded(key, 0x36), Buffer.alloc(scratchBytes)]);
    this.outer = Buffer.concat([padded(key, 0x5c), Buffer.alloc(macBytes)]);
  }

  /** The 32 bytes for `head` (ASCII) followed by `body`. */
  of(head: string, body: Buffer): Buffer {
    const length = head.length + body.length;
    const bytes = length <= scratchBytes ? this.inner : Buffer.allocUnsafe(blockBytes + length);
    if (bytes !== this.inner) this.inner.copy(bytes, 0, 0, blockBytes);
    bytes.write(head, blockBytes, 'latin1');
    body.copy(bytes, blockBytes + head.length);
    hash('sha256', bytes.subarray(0, blockBytes + length), 'buffer').copy(this.outer, blockBytes);
    return hash('sha256', this.outer, 'buffer');
  }
}
