import { Injectable } from '@nestjs/common';
import { guarded } from '../../shared/async/guarded';
import type { GameEvent } from './events-gateway.event';

const maxFresh = 5000;

/**
 * Between journal and relay: events that were just accepted, so that they need not be read back. Bounded; what does not
 * fit waits in the journal, on disk.
 */
@Injectable()
export class EventOutbox {
  private fresh: GameEvent[] = [];
  private reserved = 0;
  private backlog = true;
  private signal: (() => void) | undefined;

  /** Takes room for `count` more, or answers false. It must be released again, whatever becomes of the events. */
  reserve(count: number): boolean {
    if (this.fresh.length + this.reserved + count > maxFresh) return false;
    this.reserved += count;
    return true;
  }

  release(count: number): void {
    this.reserved -= count;
  }

  /** Only after the COMMIT. */
  accepted(events: readonly GameEvent[]): void {
    if (events.length === 0) return;
    this.fresh.push(...events);
    this.signal?.();
  }

  /** There is something due in the journal. */
  wake(): void {
    this.backlog = true;
    this.signal?.();
  }

  /** Events that wait to be sent. */
  get waiting(): number {
    return this.fresh.length;
  }

  takeFresh(limit: number): GameEvent[] {
    return this.fresh.length <= limit ? this.fresh.splice(0) : this.fresh.splice(0, limit);
  }

  /** True when the journal is to be asked; the question itself resets it. */
  takeBacklog(): boolean {
    const { backlog } = this;
    this.backlog = false;
    return backlog;
  }

  /** Resolves when there is something to do, after `ms` at the latest. */
  wait(ms: number): Promise<void> {
    if (this.fresh.length > 0 || this.backlog) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.signal = undefined;
        resolve();
      };
      const timer = setTimeout(guarded(done), ms).unref();
      this.signal = done;
    });
  }
}
