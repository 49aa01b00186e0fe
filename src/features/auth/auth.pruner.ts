import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import { AuthRepository } from './auth.repository';

// Clocks differ: a token that has expired here may hold elsewhere for a moment.
const keepMs = 3_600_000;
const maxRows = 1000;

/** Forgets tokens that were revoked and have expired since. */
@Injectable()
export class Pruner {
  constructor(
    private readonly repository: AuthRepository,
    private readonly clock: Clock,
  ) {}

  /** A bounded number; answers whether there may be more. */
  async prune(): Promise<boolean> {
    const now = this.clock.sure();
    return now !== undefined && (await this.repository.prune(now - keepMs, maxRows)) === maxRows;
  }
}
