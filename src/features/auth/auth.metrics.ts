import { Injectable } from '@nestjs/common';
import type { Kind } from '../../shared/errors/kinds';
import { Metrics } from '../../shared/metrics/metrics';

/** `ok`, or the kind of error that it ended with. */
export type Result = 'ok' | Kind;

@Injectable()
export class AuthMetrics {
  private readonly counters;
  private readonly waiting;
  private readonly hashing;

  constructor(metrics: Metrics) {
    this.counters = {
      login: metrics.counter('auth_logins_total', 'Logins tried', ['result']),
      registration: metrics.counter('auth_registrations_total', 'Registrations tried', ['result']),
    };
    this.waiting = metrics.gauge('auth_hash_queue', 'Passwords that wait to be hashed');
    this.hashing = metrics.duration('auth_hash_duration_seconds', 'Hashing one password, without the wait');
  }

  tried(what: 'login' | 'registration', result: Result): void {
    this.counters[what].inc({ result });
  }

  queued(count: number): void {
    this.waiting.set(count);
  }

  hashed(milliseconds: number): void {
    this.hashing.observe(milliseconds / 1000);
  }
}
