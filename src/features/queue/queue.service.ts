import { randomBytes } from 'node:crypto';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { ulid } from 'ulid';
import type {
  Admission,
  Draw,
  GetDrawRequest,
  GetQueueStatsRequest,
  GetQueueStatusRequest,
  JoinQueueRequest,
  LeaveQueueRequest,
  LeaveQueueResponse,
  QueueStats,
  QueueStatus,
  QueueTicket,
  RequestAdmissionRequest,
} from '../../generated/aerie/queue/v1/queue';
import { currentCaller, restrictedTo } from '../../shared/auth/caller';
import { Batcher } from '../../shared/batch/batch';
import { toTime } from '../../shared/clock/time';
import { answer } from '../../shared/contract/answer';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import type { Sql } from '../../shared/db/sql';
import { tokenInvalid } from '../../shared/errors/common.errors';
import type { QueueApi } from './queue.api';
import { QueueCaller } from './queue.caller';
import { sha256 } from './queue.draw';
import type { HoldEnd, RoomRow, TicketRow } from './queue.entity';
import {
  joinedTooOften,
  notReady,
  queueClosed,
  queueNotOpen,
  queueTicketEnded,
  queueTicketNotFound,
  turnKept,
} from './queue.errors';
import { QueueMetrics } from './queue.metrics';
import { maxTickets, type NewJoiner, QueueRepository } from './queue.repository';
import { isOver, QueueRooms } from './queue.rooms';
import { QueueStatuses } from './queue.statuses';
import { QueueTickets } from './queue.tickets';

const maxGroup = 1000;
const maxJoining = 20_000;
const pausedMs = 2000;

/**
 * The waiting room. A ticket is its own authority for status and leaving; entering asks for the token of its user besides.
 * Numbers, calls and grants are decided by the database; positions are told from what was read a moment ago.
 */
@Injectable()
export class QueueService implements QueueApi, BeforeApplicationShutdown {
  private readonly joining: Batcher<NewJoiner, TicketRow | undefined>;
  private readonly pages;

  constructor(
    private readonly repository: QueueRepository,
    private readonly rooms: QueueRooms,
    private readonly statuses: QueueStatuses,
    private readonly tickets: QueueTickets,
    private readonly caller: QueueCaller,
    private readonly metrics: QueueMetrics,
    pageTokens: PageTokens,
  ) {
    this.pages = pageTokens.of('queue-draw', rowNumber);
    this.joining = new Batcher({
      ...{ maxItems: maxGroup, maxQueued: maxJoining },
      commit: (joiners, groupId) => repository.join(joiners, groupId),
      resolve: (joiners) => repository.joined(joiners),
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.joining.drain();
  }

  /**
   * One ticket a user and sale.
   * @throws AppError sale_not_found, queue_not_found, queue_not_open, queue_closed, limit_exceeded, queue_ticket_key_gone
   */
  joinQueue({ saleId }: JoinQueueRequest): Promise<QueueTicket> {
    return this.metrics.operation('join', async () => {
      const userId = waiter();
      const rules = await this.rooms.rulesOf(saleId);
      const before = await this.rooms.refreshed(saleId);
      if (!before.room) await this.open(saleId);
      const now = before.room ? before.asOf : (await this.rooms.refreshed(saleId)).asOf;
      if (isOver(rules, now)) throw queueClosed();
      if (rules.opensAt !== undefined && now < rules.opensAt) throw queueNotOpen(rules.opensAt - now);
      const { drawAt } = rules;
      const row = await this.joining.submit({ saleId, userId, drawAt, ...this.tickets.make({ saleId, userId }) });
      if (!row) throw joinedTooOften(maxTickets);
      // Until the next look the line knows nothing of who has just joined.
      await this.rooms.refreshed(saleId);
      const ticket = this.tickets.of(row);
      const { number, status, position, ahead, eta, pollAfterMs } = await this.statuses.of(row.ticketHash);
      const { ticketHash, joinedAt, previous, hash } = row;
      const receipt = { number: row.number, ticketHash, joinedAt: toTime(joinedAt), previous, hash };
      const told = { ticket, ...(number !== undefined && { number }), status, position, ahead, eta, pollAfterMs };
      return answer({ ...told, receipt }, { secret: true });
    });
  }

  /** Whoever asks is present. @throws AppError queue_ticket_not_found */
  getQueueStatus({ ticket }: GetQueueStatusRequest): Promise<QueueStatus> {
    return this.statuses.of(sha256(ticket));
  }

  /** The grant of a ticket that was called. @throws AppError queue_ticket_not_found, not_ready, queue_ticket_ended, sale_paused */
  requestAdmission({ ticket }: RequestAdmissionRequest): Promise<Admission> {
    return this.metrics.operation('enter', async () => {
      const found = await this.mine(ticket, restrictedTo());
      const { saleId, ticketHash } = found;
      const { grantMs, state } = await this.rooms.rulesOf(saleId);
      // It could not be used. Who has one hears of it again.
      if (state === 'paused' && found.status === 'ready') throw turnKept(pausedMs);
      const [jti, until] = [ulid(), (now: number) => Math.floor((now + grantMs) / 1000)];
      const { row, now } = await this.repository.admit({ saleId, ticketHash, jti, until });
      if (row.grantId === jti) this.metrics.admitted();
      if (row.ended > 0) throw queueTicketEnded(row.status);
      if (row.status !== 'admitted') throw notReady((await this.statuses.of(ticketHash)).pollAfterMs);
      if (row.grantUntil <= now || row.voidAt < row.grantUntil)
        throw queueTicketEnded('admitted, and its grant is over');
      return answer({ grant: await this.tickets.grantOf(row), expiresAt: toTime(row.grantUntil) }, { secret: true });
    });
  }

  /** @throws AppError queue_ticket_not_found */
  leaveQueue({ ticket }: LeaveQueueRequest): Promise<LeaveQueueResponse> {
    return this.metrics.operation('leave', async () => {
      const found = await this.mine(ticket, undefined);
      const left = found.ended > 0 ? found : await this.repository.leave(found);
      if (left.status === 'admitted' && left.voidAt > 0) await this.caller.giveBack([left]);
      await this.rooms.refreshed(left.saleId);
      return { status: (await this.mine(ticket, undefined)).status };
    });
  }

  /** As `leaveQueue`. */
  leaveQueueByBeacon(request: LeaveQueueRequest): Promise<LeaveQueueResponse> {
    return this.leaveQueue(request);
  }

  /** @throws AppError sale_not_found, queue_not_found */
  async getQueueStats({ saleId }: GetQueueStatsRequest): Promise<QueueStats> {
    const { activePlaces } = await this.rooms.rulesOf(saleId);
    await this.open(saleId);
    const counts = await this.repository.counts(saleId);
    const { asOf } = await this.rooms.refreshed(saleId);
    const of = (status: string): number => counts.get(status) ?? 0;
    const present = await this.statuses.presentIn(saleId);
    return {
      ...{ saleId, activePlaces, taken: of('ready') + of('admitted'), prequeued: of('prequeued') },
      ...{ waiting: of('waiting'), present, ready: of('ready'), admitted: of('admitted'), done: of('done') },
      ...{ left: of('left'), expired: of('expired'), asOf: toTime(asOf) },
    };
  }

  /**
   * The commitment; once nothing is left to be drawn, the log of joins with their places, and the seed.
   * @throws AppError sale_not_found, queue_not_found, page_token_invalid
   */
  async getDraw({ saleId, pageSize = 20, pageToken }: GetDrawRequest): Promise<Draw> {
    const [after = 0] = this.pages.decode(saleId, pageToken) ?? [];
    const { drawAt } = await this.rooms.rulesOf(saleId);
    const room = await this.open(saleId);
    const drawn = room.drawn === 1;
    const facts = { saleId, seedHash: room.seedHash, ...(drawAt !== undefined && { drawAt: toTime(drawAt) }), drawn };
    // An order that is not drawn yet could be known by who knows the joins and the seed.
    if (!drawn && drawAt !== undefined) return { ...facts, joins: [], nextPageToken: '' };
    const found = await this.repository.joins(saleId, after, pageSize + 1);
    const { page, nextPageToken } = this.pages.cut(saleId, found, pageSize, ({ number }) => [number]);
    const joins = page.map(({ number, ticketHash, joinedAt, hash, place }) => {
      return { number, ticketHash, joinedAt: toTime(joinedAt), hash, place };
    });
    return { ...facts, ...(drawn && { seed: room.seed }), joins, nextPageToken };
  }

  /** What reservations has announced, in the transaction in which it is taken in. */
  holdsEnded(tx: Sql, ends: readonly HoldEnd[]): Promise<void> {
    return this.repository.ended(tx, ends);
  }

  /** The room, with its seed committed to before anybody joins. */
  private async open(saleId: string): Promise<RoomRow> {
    const known = await this.repository.room(saleId);
    if (known) return known;
    const seed = randomBytes(32).toString('hex');
    return this.repository.open(saleId, { seed, seedHash: sha256(seed) });
  }

  /** @throws AppError queue_ticket_not_found */
  private async mine(ticket: string, owner: string | undefined): Promise<TicketRow> {
    const row = await this.repository.find(sha256(ticket));
    if (!row || (owner !== undefined && row.userId !== owner)) throw queueTicketNotFound();
    return row;
  }
}

/** Who joins. @throws AppError token_invalid */
function waiter(): string {
  const caller = currentCaller();
  if (caller.kind === 'anonymous') throw tokenInvalid();
  return 'id' in caller ? caller.id : caller.kind;
}
