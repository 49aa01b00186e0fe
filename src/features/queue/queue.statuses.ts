import { Injectable } from '@nestjs/common';
import type { QueueStatus } from '../../generated/aerie/queue/v1/queue';
import { toTime } from '../../shared/clock/time';
import { QueueCaller } from './queue.caller';
import type { TicketRow } from './queue.entity';
import { queueTicketNotFound } from './queue.errors';
import { etaOf, supplyLikely } from './queue.forecast';
import type { QueueLine, Waiter } from './queue.line';
import { QueuePresence } from './queue.presence';
import { type FoundWaiter, QueueRooms, type RoomRules, type RoomSupply } from './queue.rooms';

const [soonMs, laterMs, lateMs, endedMs] = [2000, 5000, 10_000, 30_000];
const nowhere = { position: 0, ahead: 0, eta: { known: false } };

/** Where a ticket is, told without SQL from what this process has read last. Asking says that its holder is present. */
@Injectable()
export class QueueStatuses {
  constructor(
    private readonly rooms: QueueRooms,
    private readonly caller: QueueCaller,
    private readonly presence: QueuePresence,
  ) {}

  /** @throws AppError queue_ticket_not_found */
  async of(ticketHash: string): Promise<QueueStatus> {
    const found = await this.rooms.find(ticketHash);
    if (!found) throw queueTicketNotFound();
    if (!('line' in found)) return endedStatus(found);
    const saleId = saleOf(found);
    return this.tell(found, { rules: await this.rooms.rulesOf(saleId), left: await this.rooms.leftOf(saleId) });
  }

  /** As `of`, at once; undefined where something has to be asked for it. */
  known(ticketHash: string): QueueStatus | undefined {
    const found = this.rooms.known(ticketHash);
    if (!found) return undefined;
    if (!('line' in found)) return endedStatus(found);
    const supply = this.rooms.lately(saleOf(found));
    return supply && this.tell(found, supply);
  }

  /** Of those who wait for this sale. */
  async presentIn(saleId: string): Promise<number> {
    const hashes = [...(await this.rooms.lineOf(saleId)).waiters.values()]
      .filter(({ status }) => status === 'waiting' || status === 'prequeued')
      .map(({ ticketHash }) => ticketHash);
    return (await this.presence.among(saleId, hashes)).size;
  }

  private tell(found: FoundWaiter, { rules, left }: RoomSupply): QueueStatus {
    const { line, waiter } = found;
    const status = toStatus(line, waiter, rules, left);
    if (status.status !== 'admitted') this.caller.saw(saleOf(found), waiter, 2 * status.pollAfterMs);
    return status;
  }
}

function saleOf({ line }: FoundWaiter): string {
  return line.room?.saleId ?? '';
}

function endedStatus({ status, place: number }: TicketRow): QueueStatus {
  return { status, ...nowhere, supplyLikely: false, pollAfterMs: endedMs, number };
}

function toStatus(line: QueueLine, waiter: Waiter, rules: RoomRules, left: number): QueueStatus {
  const { status, place: number, readyUntil } = waiter;
  // Presence must not outlast a ready window: whoever has gone would be called once more.
  const poll = (ms: number): number => Math.max(1000, Math.min(ms, rules.readyMs / 2));
  if (status === 'prequeued') return { status, ...nowhere, supplyLikely: left > 0, pollAfterMs: poll(lateMs) };
  if (status !== 'waiting') {
    const until = status === 'ready' ? { readyUntil: toTime(readyUntil) } : {};
    return { status, ...nowhere, supplyLikely: left > 0, pollAfterMs: poll(soonMs), ...until, number };
  }
  const ahead = line.aheadOf(number);
  const eta = etaOf(line, number, line.asOf);
  if (eta.p50Seconds !== undefined) waiter.expectedAt ??= line.asOf + eta.p50Seconds * 1000;
  const far = ahead / rules.activePlaces;
  const pollAfterMs = poll(far < 2 ? soonMs : far < 10 ? laterMs : lateMs);
  const likely = supplyLikely(line.room, ahead, left);
  return { status, position: ahead + 1, ahead, eta, supplyLikely: likely, pollAfterMs, number };
}
