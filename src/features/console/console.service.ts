import { Injectable } from '@nestjs/common';
import type {
  ConsoleService as Proto,
  Stats,
  StatsCheck,
  StatsConsumer,
  StatsDecision,
  StatsLoad,
  StatsOutbox,
} from '../../generated/aerie/console/v1/console';
import { SharedCall } from '../../shared/async/shared-call';
import { Clock } from '../../shared/clock/clock';
import { Readiness } from '../../shared/health/readiness';
import { ProcessesApi } from '../../shared/processes/processes.api';
import { bounded, Figures, whole } from './console.figures';

// However many consoles are open, the databases are asked this often at most.
const freshMs = 1000;

/** The numbers of this process, for the charts of its operators. */
@Injectable()
export class ConsoleService implements Proto {
  private readonly asked = new SharedCall(() => this.read());
  private latest: { readonly at: number; readonly stats: Stats } | undefined;

  constructor(
    private readonly figures: Figures,
    private readonly processes: ProcessesApi,
    private readonly readiness: Readiness,
    private readonly clock: Clock,
  ) {}

  /** A second old at most. What could not be asked in time is as it was when it last could be. */
  async getStats(): Promise<Stats> {
    const { latest } = this;
    if (latest && performance.now() - latest.at < freshMs) return latest.stats;
    return await this.asked.run();
  }

  private async read(): Promise<Stats> {
    const { figures } = this;
    const [own, { status, checks }] = await Promise.all([this.processes.getProcess({}), this.readiness.report()]);
    const stats: Stats = {
      asOf: new Date(this.clock.now()).toISOString(),
      processId: own.id,
      process: `${own.host}/${own.pid}`,
      status,
      checks: bounded(Object.entries(checks)).map(
        ([name, check]): StatsCheck => ({ name, status: check.status, reason: check.reason ?? '' }),
      ),
      circuits: bounded(own.circuits),
      load: await this.load(),
      requests: await figures.sums('http_requests_total', 'status', (code) => `${code.charAt(0)}xx`),
      events: await figures.sums('events_ingested_total', 'status'),
      refused: await figures.sums('dropped_events_total', 'reason'),
      consumers: await this.consumers(),
      outboxes: await this.outboxes(),
      decisions: await this.decisions(),
      boards: await figures.sums('leaderboard_players_in_memory', 'window'),
      chatClients: await figures.sums('chat_connected_clients', 'wire'),
      chatMessages: await figures.sums('chat_messages_total', 'type'),
      chatDropped: await figures.sums('chat_messages_dropped_total', 'reason'),
      reservations: await figures.sums('reservations_total', 'status'),
      payments: await figures.sums('payments_total', 'status'),
      queue: await figures.named({
        waiting: 'queue_waiting',
        present: 'queue_present',
        admitted: 'queue_admissions_total',
      }),
    };
    this.latest = { at: performance.now(), stats };
    return stats;
  }

  private async load(): Promise<StatsLoad> {
    const { figures } = this;
    // The sum is made when the first of its parts is read.
    await figures.one('process_cpu_user_seconds_total');
    return {
      cpuSeconds: await figures.one('process_cpu_seconds_total'),
      memoryBytes: whole(await figures.one('process_resident_memory_bytes')),
    };
  }

  private async consumers(): Promise<StatsConsumer[]> {
    const [seconds, givenUp] = [
      await this.byLabels('consumer_lag_seconds', ['consumer']),
      await this.byLabels('dead_letters_total', ['consumer']),
    ];
    const lags = await this.figures.of('consumer_lag_events');
    return bounded(lags).map(({ value, label }) => {
      const consumer = label('consumer');
      return {
        consumer,
        events: whole(value),
        seconds: seconds.get(consumer) ?? 0,
        givenUp: whole(givenUp.get(consumer) ?? 0),
      };
    });
  }

  private async outboxes(): Promise<StatsOutbox[]> {
    const labels = ['feature', 'consumer'];
    const [seconds, parked] = [
      await this.byLabels('outbox_lag_seconds', labels),
      await this.byLabels('outbox_parked', labels),
    ];
    return bounded(await this.figures.of('outbox_waiting')).map(({ value, label }) => {
      const [feature = '', consumer = ''] = labels.map(label);
      const key = `${feature} ${consumer}`;
      return {
        feature,
        consumer,
        waiting: whole(value),
        seconds: seconds.get(key) ?? 0,
        parked: whole(parked.get(key) ?? 0),
      };
    });
  }

  private async decisions(): Promise<StatsDecision[]> {
    return bounded(await this.figures.of('fairness_decisions_total')).map(({ value, label }) => ({
      rule: label('rule'),
      action: label('action'),
      mode: label('mode'),
      count: whole(value),
    }));
  }

  private async byLabels(metric: string, labels: readonly string[]): Promise<Map<string, number>> {
    const found = await this.figures.of(metric);
    return new Map(found.map(({ value, label }) => [labels.map(label).join(' '), value]));
  }
}
