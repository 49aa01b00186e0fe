import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { hash, type Options, verify } from '@node-rs/argon2';
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
  private readonly waiting: (() => void)[] = [];
  private running = 0;
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

  /** Whether it is the password of this hash; without a hash it takes as long. @throws AppError rate_limited */
  verify(passwordHash: string | undefined, password: string): Promise<boolean> {
    return this.queued(() => verify(passwordHash ?? this.nobody, password));
  }

  private async queued<T>(work: () => Promise<T>): Promise<T> {
    await this.turn();
    const began = this.clock.monotonic();
    try {
      return await work();
    } finally {
      this.metrics.hashed(this.clock.monotonic() - began);
      this.passOn();
    }
  }

  private async turn(): Promise<void> {
    if (this.running < atOnce) {
      this.running += 1;
      return;
    }
    if (this.waiting.length >= maxWaiting) throw tooManyHashes();
    await new Promise<void>((resolve) => {
      this.waiting.push(resolve);
      this.metrics.queued(this.waiting.length);
    });
  }

  private passOn(): void {
    const next = this.waiting.shift();
    this.metrics.queued(this.waiting.length);
    if (next) next();
    else this.running -= 1;
  }
}

function phc(salt: Buffer, digest: Buffer): string {
  const plain = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$${plain(salt)}$${plain(digest)}`;
}
