import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import {
  type HealthCheckResult,
  HealthCheckService,
  type HealthIndicatorFunction,
  HealthIndicatorService,
} from '@nestjs/terminus';
import { Lifecycle } from '../lifecycle/lifecycle';
import { HealthMetrics } from './health.metrics';

export interface CheckResult {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly latencyMs?: number;
  readonly reason?: string;
}

export interface ReadinessReport {
  readonly status: 'ready' | 'not_ready';
  readonly checks: Readonly<Record<string, CheckResult>>;
}

// A crowd of probes costs one question to the database in this time.
const freshMs = 250;

/** Says if this process should get traffic: it has started, is not leaving, and nothing that it cannot do without is down. */
@Injectable()
export class Readiness {
  private readonly indicators = new Map<string, HealthIndicatorFunction>();
  private latest: { readonly at: number; readonly report: Promise<ReadinessReport> } | undefined;

  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly health: HealthCheckService,
    private readonly indicator: HealthIndicatorService,
    private readonly metrics: HealthMetrics,
  ) {}

  /** `check` must settle within a second by itself and not throw. */
  add(name: string, check: () => Promise<CheckResult>): void {
    this.indicators.set(name, async () => {
      const result = await check();
      // Terminus knows up and down: what is degraded is up, and our own words ride along.
      const found = this.indicator.check(name);
      return result.status === 'unhealthy' ? found.down({ result }) : found.up({ result });
    });
  }

  /** How every check went, at most 250 ms ago. */
  async report(): Promise<ReadinessReport> {
    const now = performance.now();
    if (!this.latest || now - this.latest.at > freshMs) this.latest = { at: now, report: this.ask() };
    const report = this.withPhase(await this.latest.report);
    this.metrics.found(report.checks);
    return report;
  }

  private async ask(): Promise<ReadinessReport> {
    const { status, details } = await this.health.check([...this.indicators.values()]).catch(refusal);
    const checks = [...this.indicators.keys()].map((name) => [name, details[name]?.result as CheckResult] as const);
    return { status: status === 'ok' ? 'ready' : 'not_ready', checks: Object.fromEntries(checks) };
  }

  private withPhase(report: ReadinessReport): ReadinessReport {
    const { phase } = this.lifecycle;
    if (phase === 'ready') return report;
    return { status: 'not_ready', checks: { ...report.checks, process: { status: 'unhealthy', reason: phase } } };
  }
}

/** A check that began then, on the monotonic clock, and went well. */
export function healthySince(began: number): CheckResult {
  return { status: 'healthy', latencyMs: Math.round((performance.now() - began) * 10) / 10 };
}

/** Terminus throws its report when something is down. */
function refusal(error: unknown): HealthCheckResult {
  if (error instanceof ServiceUnavailableException) return error.getResponse() as HealthCheckResult;
  throw error;
}
