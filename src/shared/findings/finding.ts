/** What was looked at, and what came of it. It holds no value of a secret. */
export interface Finding {
  /** `database`, `redis`: a word for the kind of thing. */
  readonly what: string;
  /** Its address without credentials, or the variable. */
  readonly where: string;
  readonly version?: string | undefined;
  readonly latencyMs?: number | undefined;
  /** `failed`: Aerie does not work so. `warning`: it does, and somebody should know. */
  readonly verdict: 'ok' | 'warning' | 'failed';
  /** What is wrong, or worth knowing. */
  readonly told?: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** A place that is looked at: what is found wrong there. */
export class Patient {
  readonly findings: Finding[] = [];

  constructor(
    readonly what: string,
    readonly where: string,
  ) {}

  well(told?: string, seen: Pick<Finding, 'version' | 'latencyMs'> = {}): void {
    this.findings.push({ ...this.named, ...seen, verdict: 'ok', ...(told !== undefined && { told }) });
  }

  warn(told: string, remedy: string): void {
    this.findings.push({ ...this.named, verdict: 'warning', told, remedy });
  }

  fail(told: string, remedy: string): void {
    this.findings.push({ ...this.named, verdict: 'failed', told, remedy });
  }

  private get named() {
    return { what: this.what, where: this.where };
  }
}
