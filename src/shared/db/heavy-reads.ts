import { Injectable } from '@nestjs/common';
import { guarded } from '../async/guarded';
import { Config } from '../config/config';
import { AppError } from '../errors/app-error';
import { Metrics } from '../metrics/metrics';

// Those who wait, for each one that reads. A read takes less than a second, or the database has other troubles.
const waitersEach = 4;
const waitMs = 3000;
const retryAfterMs = 1000;

type Enter = () => void;

/**
 * Reads that go through very many rows and whose caller waits: a few at once, on connections that others can spare, and a
 * short queue. Whoever comes beyond it, or waits for 3 s, is told to come again: so no crowd of readers keeps the
 * connections that events, logins and readiness need.
 */
@Injectable()
export class HeavyReads {
  private readonly atOnce: number;
  private readonly waiting = new Set<Enter>();
  private readonly tell: () => void;
  private readonly refused;
  private running = 0;

  constructor({ database: { heavyReads, poolMax } }: Config, metrics: Metrics) {
    this.atOnce = Math.max(1, Math.min(heavyReads, poolMax - 1));
    this.refused = metrics.counter('heavy_reads_refused_total', 'Reads of many rows that found no place in the queue');
    const running = metrics.gauge('heavy_reads_running', 'Reads of many rows under way');
    const waiting = metrics.gauge('heavy_reads_waiting', 'Reads of many rows in the queue');
    this.tell = () => {
      running.set(this.running);
      waiting.set(this.waiting.size);
    };
  }

  /** @throws AppError rate_limited */
  async run<T>(read: () => Promise<T>): Promise<T> {
    await this.turn();
    try {
      return await read();
    } finally {
      this.passOn();
    }
  }

  private async turn(): Promise<void> {
    if (this.running < this.atOnce) {
      this.running += 1;
      this.tell();
      return;
    }
    if (this.waiting.size >= this.atOnce * waitersEach) throw this.refusal();
    await new Promise<void>((resolve, reject) => {
      const late = guarded(() => {
        this.waiting.delete(enter);
        reject(this.refusal());
      });
      const timer = setTimeout(late, waitMs);
      const enter = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.waiting.add(enter);
      this.tell();
    });
  }

  /** The place of the one that is done goes to the one that has waited longest. */
  private passOn(): void {
    const [next] = this.waiting;
    if (next) this.waiting.delete(next);
    else this.running -= 1;
    this.tell();
    next?.();
  }

  private refusal(): AppError {
    this.refused.inc();
    this.tell();
    return new AppError('throttled', 'rate_limited', 'Too many large reads are under way; try again', { retryAfterMs });
  }
}
