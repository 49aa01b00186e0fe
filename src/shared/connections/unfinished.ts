import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { Metrics } from '../metrics/metrics';

/** The memory that unfinished messages of one body, or of one connection, hold. */
export interface Held {
  /** Bytes more, or with a negative number fewer; at zero it is no longer among those that hold. */
  add(bytes: number): void;
  /** Everything came, or nothing more will. */
  release(): void;
}

/**
 * The memory that half-sent messages hold, over all connections of this process and all wires. Whoever sends the rest
 * within a moment is never in the way; when all together hold more than the limit, the longest unfinished is given up.
 */
@Injectable()
export class Unfinished {
  private readonly limit: number;
  private readonly holders = new Set<HeldMessage>();
  private readonly evicted;
  private total = 0;

  constructor(config: Config, metrics: Metrics) {
    this.limit = config.limits.unfinishedBytes;
    this.evicted = metrics.counter('unfinished_messages_evicted_total', 'Half-sent messages given up for memory');
    const gauge = metrics.gauge('unfinished_bytes', 'Bytes held of messages that are not whole yet');
    gauge.set(0);
    this.changed = () => gauge.set(this.total);
  }

  private readonly changed: () => void;

  /** `giveUp` is called at most once, when the memory is needed: it must end what is held for. */
  hold(giveUp: () => void): Held {
    return new HeldMessage(this, giveUp);
  }

  /** For holders only. */
  account(holder: HeldMessage, bytes: number): void {
    if (holder.givenUp) return;
    holder.bytes += bytes;
    this.total += bytes;
    if (holder.bytes > 0) this.holders.add(holder);
    else this.holders.delete(holder);
    for (const longest of this.holders) {
      if (this.total <= this.limit) break;
      this.total -= longest.bytes;
      longest.givenUp = true;
      this.holders.delete(longest);
      this.evicted.inc();
      longest.giveUp();
    }
    this.changed();
  }
}

class HeldMessage implements Held {
  bytes = 0;
  givenUp = false;

  constructor(
    private readonly all: Unfinished,
    readonly giveUp: () => void,
  ) {}

  add(bytes: number): void {
    this.all.account(this, bytes);
  }

  release(): void {
    if (this.bytes > 0) this.all.account(this, -this.bytes);
  }
}
