import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { hash, type Options, verify } from '@node-rs/argon2';
import { BulkheadRejectedError, bulkhead } from 'cockatiel';
import { Clock } from '../../shared/clock/clock';
import { tooManyHashes } from './auth.errors';
import { AuthMetrics } from './auth.metrics';

// argon2id, the library's default. Source: OWASP Password Storage Cheat Sheet
const cost: Options = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 };
// Of the four threads that Node has for such work: files, names and signatures need some, too.
const atOnce = 2;
// The last of them waits for about a second and a half.
const maxWaiting = 64;

/** Hashes passwords, two at a time and never on the event loop; whoever would wait too long is told to come back. */
@Injectable()
export class Passwords {
  private readonly turns = bulkhead(atOnce, maxWaiting);
  // No password has it: verifying against it takes as long as against anybody's.
  private readonly nobody = phc(randomBytes(16), randomBytes(32));

  constructor(
    private readonly metrics: AuthMetrics,
    private readonly clock: Clock,
  ) {}

  /** A PHC string. @throws AppError rate_limited */
  hash(password: string): Promise<string> {
    return this.queued(() => hash(password, cost));
  }

  /** True when it is the password of this hash; without a hash it takes as long. @throws AppError rate_limited */
  verify(passwordHash: string | undefined, password: string): Promise<boolean> {
    return this.queued(() => verify(passwordHash ?? this.nobody, password));
  }

  private async queued<T>(work: () => Promise<T>): Promise<T> {
    try {
      const hashed = this.turns.execute(() => this.timed(work));
      this.tellQueue();
      return await hashed;
    } catch (error) {
      throw error instanceof BulkheadRejectedError ? tooManyHashes() : error;
    }
  }

  // Runs in the request context of the caller who made room: nothing in here may ask who calls.
  private async timed<T>(work: () => Promise<T>): Promise<T> {
    this.tellQueue();
    const began = this.clock.monotonic();
    try {
      return await work();
    } finally {
      this.metrics.hashed(this.clock.monotonic() - began);
    }
  }

  private tellQueue(): void {
    this.metrics.queued(maxWaiting - this.turns.queueSlots);
  }
}

function phc(salt: Buffer, digest: Buffer): string {
  const plain = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$${plain(salt)}$${plain(digest)}`;
}
