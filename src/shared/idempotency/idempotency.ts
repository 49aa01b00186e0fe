import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { NamedJobs } from '../async/jobs';
import { currentCaller, principalOf } from '../auth/caller';
import { Clock } from '../clock/clock';
import { Config } from '../config/config';
import type { Database } from '../db/database';
import { IdempotencyRepository, type IdempotentCall } from './idempotency.repository';

const keptMs = 24 * 3_600_000;
const pruned = 500;

/** A request and its Idempotency-Key, if it came with one. */
export interface KeyedRequest {
  readonly request: object;
  readonly key: string | undefined;
}

/**
 * Idempotency keys: the same key of the same caller on the same route has one effect and one answer for 24 hours; with
 * another body it is refused. Source: draft-ietf-httpapi-idempotency-key-header
 */
@Injectable()
export class Idempotency {
  private readonly secrets: readonly Buffer[];
  private readonly repositories: IdempotencyRepository[] = [];

  constructor(
    config: Config,
    private readonly clock: Clock,
  ) {
    // Derived: what is stored tells nothing about bodies, and each secret has one purpose.
    this.secrets = config.hmacKeys.map(({ secret }) =>
      Buffer.from(hkdfSync('sha256', secret, '', 'aerie idempotency', 32)),
    );
  }

  /** For a feature's repository: its keys, in a table of its own (`idempotencyTable`). */
  keysIn(db: Database, table: string): IdempotencyRepository {
    const repository = new IdempotencyRepository(db, table);
    this.repositories.push(repository);
    return repository;
  }

  /** A request as its key identifies it; undefined when it came without. `route` names the call, on every wire. */
  callOf(route: string, { request, key }: KeyedRequest): IdempotentCall | undefined {
    if (key === undefined) return undefined;
    const named = JSON.stringify([principalOf(currentCaller()), route, key]);
    const asked = JSON.stringify(Object.entries(request).sort(([a], [b]) => (a < b ? -1 : 1)));
    const [fingerprint = '', ...earlier] = this.secrets.map((each) =>
      createHmac('sha256', each).update(asked).digest('hex'),
    );
    return {
      keyHash: createHash('sha256').update(named).digest('hex'),
      fingerprint,
      earlier,
      now: this.clock.sure(),
      expiresAt: this.clock.steady() + keptMs,
    };
  }

  /** Each removes some of the keys that are over in one table. */
  get jobs(): NamedJobs {
    return Object.fromEntries(
      this.repositories.map((repository) => [`idempotency.${repository.table}`, () => this.prune(repository)]),
    );
  }

  /** True when there may be more. */
  private async prune(repository: IdempotencyRepository): Promise<boolean> {
    const now = this.clock.sure();
    return now !== undefined && (await repository.prune(now, pruned)) === pruned;
  }
}
