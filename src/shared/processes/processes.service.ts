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
import { TimeLimitError, within } from '../async/within';
import { Clock } from '../clock/clock';
import { Config, type Neighbour } from '../config/config';
import { toAppError } from '../errors/to-app-error';
import { Readiness } from '../health/readiness';
import { Metrics } from '../metrics/metrics';
import { Remotes } from '../remote/remotes';
import { resolveName } from '../remote/resolve-name';
import { ProcessesApi, processesContract } from './processes.api';

// Less than a call may take, and more than a process needs that waits for its database in vain.
const askMs = 4000;
const lagMs = 1000;

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
    const [{ status, checks }, consumers] = await Promise.all([this.readiness.report(), this.knownLags()]);
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

  /** Every address is asked at once, and has four seconds; one at which nobody answers is told of. */
  async listProcesses(): Promise<ListProcessesResponse> {
    const [own, ...asked] = await Promise.all([
      this.getProcess(),
      ...this.config.neighbours.map((neighbour) => this.askAll(neighbour)),
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
  private async askAll({ address, features }: Neighbour): Promise<Found[]> {
    const until = performance.now() + askMs;
    const silent = (shown: string, error: unknown): Found => ({
      silent: { address: shown, reason: reasonOf(error), features: [...features] },
    });
    try {
      const machines = await within(resolveName(new URL(address).hostname), askMs);
      return await Promise.all(
        machines.map(async (machine) => {
          // Which of several is meant; for one it says nothing new.
          const shown = new URL(address).hostname === machine ? address : `${address} (${machine})`;
          const found = this.ask(address, machine, until - performance.now());
          return await found.then(
            (process) => ({ process: { ...process, addresses: [shown] } }),
            (error: unknown) => silent(shown, error),
          );
        }),
      );
    } catch (error) {
      return [silent(address, error)];
    }
  }

  private async ask(address: string, machine: string, deadlineMs: number): Promise<Process> {
    await using processes = this.remotes.at(processesContract, address, { machine, deadlineMs });
    return await processes.getProcess({});
  }

  /** None while the database does not answer: who asks how the processes are has no time to wait for it. */
  private async knownLags(): Promise<ConsumerLag[]> {
    try {
      return await within(this.lags(), lagMs);
    } catch (error) {
      if (error instanceof TimeLimitError) return [];
      throw error;
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
