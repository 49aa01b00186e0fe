import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Sale } from '../../generated/aerie/reservations/v1/reservations';
import { SharedCall } from '../../shared/async/shared-call';
import { asInternal } from '../../shared/auth/caller';
import { Clock } from '../../shared/clock/clock';
import { instant } from '../../shared/clock/time';
import { ReservationsApi } from '../reservations/reservations.api';
import type { TicketRow } from './queue.entity';
import { queueNotFound } from './queue.errors';
import { QueueLine, type Waiter } from './queue.line';
import { QueueRepository } from './queue.repository';

/** What a sale says of its waiting room. Times: milliseconds since 1970. */
export interface RoomRules {
  readonly activePlaces: number;
  readonly readyMs: number;
  readonly grantMs: number;
  readonly silenceMs: number;
  readonly opensAt: number | undefined;
  readonly drawAt: number | undefined;
  /** When the sale begins and ends, and whether it lets anybody buy. */
  readonly saleOpensAt: number;
  readonly saleClosesAt: number | undefined;
  readonly state: string;
}

/** What reservations has said of a sale lately: its rules, and what is available. */
export interface RoomSupply {
  readonly rules: RoomRules;
  readonly left: number;
}

/** Somebody in the line of a sale. */
export interface FoundWaiter {
  readonly line: QueueLine;
  readonly waiter: Waiter;
}

interface Asked<T> {
  readonly at: number;
  readonly answer: Promise<T>;
  /** Once it is there. */
  told?: T;
}

interface Room {
  readonly line: QueueLine;
  readonly refresh: SharedCall<void>;
}

const rulesFreshMs = 2000;
const leftFreshMs = 1000;
const maxRooms = 1000;
const maxEnded = 20_000;

/** The rooms as this process knows them: their lines, and what reservations says of their sales. */
@Injectable()
export class QueueRooms {
  private readonly rooms = new LRUCache<string, Room>({ max: maxRooms });
  private readonly rules = new LRUCache<string, Asked<RoomRules>>({ max: maxRooms });
  private readonly left = new LRUCache<string, Asked<number>>({ max: maxRooms });
  private readonly ended = new LRUCache<string, TicketRow>({ max: maxEnded });

  constructor(
    private readonly reservations: ReservationsApi,
    private readonly repository: QueueRepository,
    private readonly clock: Clock,
  ) {}

  /** A few seconds old at most. @throws AppError sale_not_found, queue_not_found, unavailable */
  rulesOf(saleId: string): Promise<RoomRules> {
    return this.fresh(this.rules, rulesFreshMs, saleId, async () =>
      toRules(await this.reservations.getSale({ saleId })),
    );
  }

  /** What of the sale is available. */
  leftOf(saleId: string): Promise<number> {
    return this.fresh(this.left, leftFreshMs, saleId, async () => {
      const { sections } = await this.reservations.getAvailability({ saleId });
      return sections.reduce((sum, { available }) => sum + available, 0);
    });
  }

  /** As it was read last, where it was; see `refreshed`. */
  async lineOf(saleId: string): Promise<QueueLine> {
    const { line } = this.roomOf(saleId);
    return line.room ? line : this.refreshed(saleId);
  }

  /** With all that is committed now. */
  async refreshed(saleId: string): Promise<QueueLine> {
    const { line, refresh } = this.roomOf(saleId);
    await refresh.run();
    return line;
  }

  /** A ticket that the line of its sale has, or its row, where it has ended. No SQL but for one that is not known yet. */
  async find(ticketHash: string): Promise<FoundWaiter | TicketRow | undefined> {
    const known = this.known(ticketHash);
    if (known) return known;
    const row = await this.repository.find(ticketHash);
    if (!row) return undefined;
    if (row.ended > 0) this.ended.set(ticketHash, row);
    if (row.ended > 0) return row;
    const line = await this.refreshed(row.saleId);
    const waiter = line.waiters.get(ticketHash);
    return waiter ? { line, waiter } : this.repository.find(ticketHash);
  }

  /** As `find`, of what this process knows already. */
  known(ticketHash: string): FoundWaiter | TicketRow | undefined {
    for (const { line } of this.rooms.values()) {
      const waiter = line.waiters.get(ticketHash);
      if (waiter) return { line, waiter };
    }
    return this.ended.get(ticketHash);
  }

  /** As `rulesOf` and `leftOf`, where nothing has to be asked. */
  lately(saleId: string): RoomSupply | undefined {
    const now = this.clock.monotonic();
    const [rules, left] = [this.rules.get(saleId), this.left.get(saleId)];
    if (rules?.told === undefined || left?.told === undefined) return undefined;
    if (now - rules.at >= rulesFreshMs || now - left.at >= leftFreshMs) return undefined;
    return { rules: rules.told, left: left.told };
  }

  /** The sales whose lines have somebody in them. */
  get active(): string[] {
    return [...this.rooms.entries()].flatMap(([saleId, { line }]) => (line.waiters.size > 0 ? [saleId] : []));
  }

  get lines(): QueueLine[] {
    return [...this.rooms.values()].map(({ line }) => line);
  }

  private roomOf(saleId: string): Room {
    const known = this.rooms.get(saleId);
    if (known) return known;
    const line = new QueueLine();
    const made = { line, refresh: new SharedCall(() => this.read(saleId, line)) };
    this.rooms.set(saleId, made);
    return made;
  }

  private async read(saleId: string, line: QueueLine): Promise<void> {
    const changes = await this.repository.changes(saleId, line.seenChange);
    if (changes) line.take(changes);
  }

  private fresh<T>(
    known: LRUCache<string, Asked<T>>,
    freshMs: number,
    saleId: string,
    ask: () => Promise<T>,
  ): Promise<T> {
    const now = this.clock.monotonic();
    const before = known.get(saleId);
    if (before && now - before.at < freshMs) return before.answer;
    const asked: Asked<T> = { at: now, answer: asInternal(ask) };
    known.set(saleId, asked);
    asked.answer.then(
      (told) => {
        asked.told = told;
      },
      // What could not be asked is asked again.
      () => {
        if (known.get(saleId) === asked) known.delete(saleId);
      },
    );
    return asked.answer;
  }
}

function toRules({ saleId, state, opensAt, closesAt, queue }: Sale): RoomRules {
  if (!queue) throw queueNotFound(saleId);
  const time = (text: string | undefined): number | undefined => (text === undefined ? undefined : instant(text));
  return {
    activePlaces: queue.activePlaces,
    readyMs: queue.readySeconds * 1000,
    grantMs: queue.grantSeconds * 1000,
    silenceMs: queue.silenceSeconds * 1000,
    ...{ opensAt: time(queue.opensAt), drawAt: time(queue.drawAt) },
    ...{ saleOpensAt: time(opensAt) ?? 0, saleClosesAt: time(closesAt), state },
  };
}

export function isOver({ state, saleClosesAt }: RoomRules, now: number): boolean {
  return state === 'closed' || (saleClosesAt !== undefined && now >= saleClosesAt);
}
