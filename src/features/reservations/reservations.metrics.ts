import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { ScrapeAsks } from '../../shared/async/scrape-asks';
import { counter, duration, gauge } from '../../shared/metrics/metrics';
import type { SaleLevel } from './reservations.entity';

// As a sale may say it, with the minute by which it may be extended.
const holdBuckets = [1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 450, 600, 900, 960];
const statuses = ['held', 'confirmed', 'cancelled', 'expired', 'refunding', 'refunded', 'revoked'];

export const reservationsMetrics = [
  counter(
    'reservations_total',
    'Reservations that reached a status',
    ['status'],
    statuses.map((status) => ({ status })),
  ),
  counter('reservation_conflicts_total', 'Reservations that were refused', ['reason']),
  duration('reservations_hold_seconds', 'From the hold to its end', [], holdBuckets),
  gauge('sale_available', 'What is left in open sales', ['sale', 'section']),
  gauge('reservations_audit_violations', 'What the last audit of the open sales has found'),
];

export const reservationsWatchMetrics = [
  gauge('reservation_watchers', 'Streams that watch a reservation'),
  counter(
    'reservation_watchers_refused_total',
    'Streams for which there was no place',
    ['reason'],
    [{ reason: 'total' }, { reason: 'address' }],
  ),
];

@Injectable()
export class ReservationsMetrics {
  private readonly asks: ScrapeAsks;

  constructor(
    @InjectMetric('reservations_total') private readonly reached: Counter<'status'>,
    @InjectMetric('reservation_conflicts_total') private readonly conflicts: Counter<'reason'>,
    @InjectMetric('reservations_hold_seconds') private readonly holds: Histogram,
    @InjectMetric('sale_available') private readonly available: Gauge<'sale' | 'section'>,
    @InjectMetric('reservations_audit_violations') private readonly violations: Gauge,
  ) {
    this.asks = new ScrapeAsks([available]);
  }

  /** `levels` tells what is left; what it leaves out is no longer there. */
  watch(levels: () => Promise<readonly SaleLevel[]>): void {
    this.asks.add(async () => {
      const found = await levels();
      this.available.reset();
      for (const { saleId, sectionId, available } of found)
        this.available.set({ sale: saleId, section: sectionId }, available);
    });
  }

  /** `heldMs`: how long it was held, where it ends. */
  count(status: string, heldMs?: number): void {
    this.reached.inc({ status });
    if (heldMs !== undefined) this.holds.observe(Math.max(0, heldMs) / 1000);
  }

  audited(violations: number): void {
    this.violations.set(violations);
  }

  refused(reason: string): void {
    this.conflicts.inc({ reason });
  }
}
