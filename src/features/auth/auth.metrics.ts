import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';
import type { Kind } from '../../shared/errors/kinds';
import { counter, duration, gauge } from '../../shared/metrics/metrics';

/** `ok`, or the kind of error that it ended with. */
export type Result = 'ok' | Kind;

export const authMetrics = [
  counter('auth_logins_total', 'Logins tried', ['result']),
  counter('auth_registrations_total', 'Registrations tried', ['result']),
  gauge('auth_hash_queue', 'Passwords that wait to be hashed'),
  duration('auth_hash_duration_seconds', 'Hashing one password, without the wait'),
];

@Injectable()
export class AuthMetrics {
  constructor(
    @InjectMetric('auth_logins_total') private readonly login: Counter<'result'>,
    @InjectMetric('auth_registrations_total') private readonly registration: Counter<'result'>,
    @InjectMetric('auth_hash_queue') private readonly waiting: Gauge,
    @InjectMetric('auth_hash_duration_seconds') private readonly hashing: Histogram,
  ) {}

  tried(what: 'login' | 'registration', result: Result): void {
    this[what].inc({ result });
  }

  queued(count: number): void {
    this.waiting.set(count);
  }

  hashed(milliseconds: number): void {
    this.hashing.observe(milliseconds / 1000);
  }
}
