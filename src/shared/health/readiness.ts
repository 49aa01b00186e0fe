import { Injectable } from '@nestjs/common';
import { Lifecycle } from '../lifecycle/lifecycle';

export interface CheckResult {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly latencyMs?: number;
  readonly reason?: string;
}

export interface ReadinessReport {
  readonly status: 'ready' | 'not_ready';
  readonly checks: Readonly<Record<string, CheckResult>>;
}

type Check = () => Promise<CheckResult>;

// A crowd of probes costs one question to the database in this time.
const freshMs = 250;

/** Whether this process should get traffic: started, not leaving, and nothing that it cannot do without is down. */
@Injectable()
export class Readiness {
  private readonly checks = new Map<string, Check>();
  private latest: { readonly at: number; readonly report: Promise<ReadinessReport> } | undefined;

  constructor(private readonly lifecycle: Lifecycle) {}

  /** `check` must settle within a second by itself and not throw. */
  add(name: string, check: Check): void {
    this.checks.set(name, check);
  }

  report(): Promise<ReadinessReport> {
    const now = performance.now();
    if (!this.latest || now - this.latest.at > freshMs) this.latest = { at: now, report: this.ask() };
    return this.latest.report.then((report) => this.withPhase(report));
  }

  private async ask(): Promise<ReadinessReport> {
    const results = await Promise.all([...this.checks].map(async ([name, check]) => [name, await check()] as const));
    const ready = results.every(([, result]) => result.status !== 'unhealthy');
    return { status: ready ? 'ready' : 'not_ready', checks: Object.fromEntries(results) };
  }

  private withPhase(report: ReadinessReport): ReadinessReport {
    const { phase } = this.lifecycle;
    if (phase === 'ready') return report;
    return { status: 'not_ready', checks: { ...report.checks, process: { status: 'unhealthy', reason: phase } } };
  }
}
