import { hostname } from 'node:os';
import { Injectable } from '@nestjs/common';
import type { Gauge } from 'prom-client';
import { ulid } from 'ulid';
import type {
  ConsumerLag,
  ListProcessesResponse,
  Process,
  ProcessCheck,
  SilentAddress,
} from '../../generated/aerie/processes/v1/processes';
import { within } from '../async/within';
import { Clock } from '../clock/clock';
import { Config } from '../config/config';
import { toAppError } from '../errors/to-app-error';
import { Readiness } from '../health/readiness';
import { Metrics } from '../metrics/metrics';
import { Remotes } from '../remote/remotes';
import { resolveName } from '../remote/resolve-name';
import { ProcessesApi, processesContract } from './processes.api';

const askMs = 2000;

/** What became of asking one address: a process, or why there is none. */
interface Found {
  readonly process?: Process;
  readonly silent?: SilentAddress;
}

/** This process as its operators see it, and its neighbours as they tell it. */
@Injectable()
export class ProcessesService implements ProcessesApi {
  private readonly id = ulid();
  private readonly startedAt: string;

  constructor(
    private readonly config: Config,
    private readonly metrics: Metrics,
    private readonly readiness: Readiness,
    private readonly remotes: Remotes,
    clock: Clock,
  ) {
    this.startedAt = new Date(clock.now()).toISOString();
  }

  async getProcess(): Promise<Process> {
    const [{ status, checks }, consumers] = await Promise.all([this.readiness.report(), this.lags()]);
    const unwell = Object.entries(checks).filter(([, check]) => check.status !== 'healthy');
    return {
      id: this.id,
      host: hostname(),
      pid: process.pid,
      addresses: [],
      version: this.config.version,
      startedAt: this.startedAt,
      modules: [...this.config.modules],
      exposes: [...this.config.expose],
      status,
      checks: unwell.map(([name, check]): ProcessCheck => ({ name, status: check.status, reason: check.reason ?? '' })),
      consumers,
      circuits: this.remotes.circuits(),
    };
  }

  /** Every address is asked at once, and has two seconds; one at which nobody answers is told of. */
  async listProcesses(): Promise<ListProcessesResponse> {
    const [own, ...asked] = await Promise.all([
      this.getProcess(),
      ...this.config.neighbours.map(({ address }) => this.askAll(address)),
    ]);
    const processes = new Map([[own.id, own]]);
    for (const { process: other } of asked.flat()) {
      const known = other && processes.get(other.id);
      if (known && known !== own) known.addresses.push(...other.addresses);
      else if (other && !known) processes.set(other.id, other);
    }
    return { processes: [...processes.values()], silent: asked.flat().flatMap(({ silent }) => silent ?? []) };
  }

  /** Whoever has the address: a name may stand for several machines. */
  private async askAll(address: string): Promise<Found[]> {
    try {
      const machines = await within(resolveName(new URL(address).hostname), askMs);
      return await Promise.all(machines.map((machine) => this.ask(address, machine)));
    } catch (error) {
      return [{ silent: { address, reason: reasonOf(error) } }];
    }
  }

  private async ask(address: string, machine: string): Promise<Found> {
    const url = new URL(address);
    // Which of several is meant; for one it says nothing new.
    const shown = url.hostname === machine ? address : `${address} (${machine})`;
    await using processes = this.remotes.at(processesContract, address, { machine, deadlineMs: askMs });
    try {
      return { process: { ...(await processes.getProcess({})), addresses: [shown] } };
    } catch (error) {
      return { silent: { address: shown, reason: reasonOf(error) } };
    }
  }

  /** As the metrics tell it. */
  private async lags(): Promise<ConsumerLag[]> {
    const [events, seconds] = await Promise.all(
      ['consumer_lag_events', 'consumer_lag_seconds'].map(async (name) => {
        const gauge = this.metrics.registry.getSingleMetric(name) as Gauge<'consumer'> | undefined;
        return new Map((await gauge?.get())?.values.map(({ labels, value }) => [String(labels.consumer), value]));
      }),
    );
    return [...(events ?? [])].map(([consumer, count]) => ({
      consumer,
      events: count,
      seconds: seconds?.get(consumer) ?? 0,
    }));
  }
}

/** Without the cause, which may name what is nobody's business. */
function reasonOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'no such name';
  const { kind, message, cause } = toAppError(error);
  return kind === 'unavailable' && cause !== undefined ? 'nobody answers' : message;
}
