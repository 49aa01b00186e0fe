import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Jobs, type NamedJobs } from '../../shared/async/jobs';
import { Worker } from '../../shared/async/worker';
import { Clock } from '../../shared/clock/clock';
import { QueueCaller } from './queue.caller';
import { QueueMetrics } from './queue.metrics';
import { QueueRepository } from './queue.repository';
import { QueueRooms } from './queue.rooms';
import { QueueStatuses } from './queue.statuses';

const everyMs = 200;
const listEveryMs = 1000;
const maxTended = 100;

/** Looks after every room in which somebody waits, and finds out which grants have run out. */
@Injectable()
export class QueueWorker extends Worker implements OnModuleInit {
  private listedAt = Number.NEGATIVE_INFINITY;
  private listed: readonly string[] = [];
  private isFreeing = false;

  constructor(
    jobs: Jobs,
    private readonly repository: QueueRepository,
    private readonly rooms: QueueRooms,
    private readonly caller: QueueCaller,
    private readonly statuses: QueueStatuses,
    private readonly metrics: QueueMetrics,
    private readonly clock: Clock,
  ) {
    super(jobs, { everyMs });
  }

  onModuleInit(): void {
    this.metrics.watch(async () => {
      let present = 0;
      for (const saleId of this.rooms.active) present += await this.statuses.presentIn(saleId);
      const waiting = this.rooms.lines.reduce((sum, line) => sum + line.countOf('prequeued', 'waiting'), 0);
      return { waiting, present };
    });
  }

  protected override work(): NamedJobs {
    return { 'queue.free': () => this.free(), 'queue.call': () => this.call() };
  }

  private async free(): Promise<boolean> {
    if (!this.isFreeing && this.clock.monotonic() - this.listedAt < listEveryMs) return false;
    if (!this.isFreeing) this.listed = await this.repository.tended(maxTended);
    this.listedAt = this.clock.monotonic();
    // Where there is more, the next look comes at once.
    this.isFreeing = await this.caller.freePlaces();
    return this.isFreeing;
  }

  private async call(): Promise<void> {
    const failures: unknown[] = [];
    for (const saleId of new Set([...this.listed, ...this.rooms.active])) {
      try {
        await this.caller.round(saleId);
      } catch (error) {
        // The others go on.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} rooms could not be looked after`);
  }
}
