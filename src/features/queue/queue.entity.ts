import { type RowOf, table } from '../../shared/db/entity';
import { inboxEntity } from '../../shared/outbox/outbox.entity';

// Times are milliseconds since 1970, hashes lower-case hexadecimal digits.

export type TicketStatus = 'prequeued' | 'waiting' | 'ready' | 'admitted' | 'done' | 'left' | 'expired';

/** One waiting room a sale. Whoever changes anything of it locks this row before. */
export const roomsTable = table('queue_rooms', (column) => ({
  columns: {
    seq: column.sequence(),
    saleId: column.text(64),
    seed: column.text(64),
    /** Of the seed. Published before the first join. */
    seedHash: column.text(64),
    /** Of the log of joins, its last number, hash and time. */
    lastNumber: column.bigint(),
    lastHash: column.text(64),
    lastJoinedAt: column.bigint(),
    /** Counts the changes; a ticket says in which of them it changed last. */
    changes: column.bigint(),
    /** 1: it was drawn. */
    drawn: column.integer(),
    /** When a process looked after it last. */
    tendedAt: column.bigint(),
    /** How many who were admitted have bought, and have not, and how much was bought. */
    bought: column.bigint(),
    unsold: column.bigint(),
    quantity: column.bigint(),
    createdAt: column.bigint(),
    groupId: column.bigint(),
  },
  unique: { queue_rooms_sale: ['saleId'] },
}));

/** The log of joins, and what became of each. */
export const queueTicketsTable = table('queue_tickets', (column) => ({
  columns: {
    seq: column.sequence(),
    saleId: column.text(64),
    /** In the order of joining, without gaps. */
    number: column.bigint(),
    userId: column.text(128),
    /** Random. With a secret, which is not in the database, it makes the ticket. */
    nonce: column.text(43),
    ticketHash: column.text(64),
    joinedAt: column.bigint(),
    previous: column.text(64),
    hash: column.text(64),
    /** In the line: the number, or what was drawn. */
    place: column.bigint(),
    status: column.text<TicketStatus>(9),
    /** When it was known to be present last: up to a tenth of the silence ago it may have been later. */
    seenAt: column.bigint(),
    /** Until when it counts as present for all processes: since it joined, and while it is near the head of the line. */
    presentUntil: column.bigint({ default: 0 }),
    /** 0: it was never called; `admittedAt` alike. */
    calledAt: column.bigint(),
    /** Of who is admitted: above 0, the turn comes again when the grant runs out, since nobody could use it meanwhile. */
    readyUntil: column.bigint(),
    /** How often it was called and did not enter. */
    missed: column.integer(),
    admittedAt: column.bigint(),
    /** The jti of its grant. */
    grantId: column.nullableText(64),
    grantUntil: column.bigint(),
    /** When its grant is to be voided; 0: no more, there is a hold. */
    voidAt: column.bigint(),
    /** 0 while it has not ended; else its number, so that its user may join again. */
    ended: column.bigint(),
    changed: column.bigint(),
    groupId: column.bigint(),
  },
  unique: {
    queue_tickets_number: ['saleId', 'number'],
    queue_tickets_hash: ['ticketHash'],
    queue_tickets_user: ['saleId', 'userId', 'ended'],
  },
  indices: {
    queue_tickets_changed: ['saleId', 'changed'],
    queue_tickets_status: ['saleId', 'status', 'place'],
    queue_tickets_admitted: ['saleId', 'admittedAt'],
    queue_tickets_grant: ['grantId'],
    queue_tickets_void: ['status', 'voidAt'],
  },
}));

export const queueInbox = inboxEntity('queue');

export type RoomRow = RowOf<typeof roomsTable>;
export type TicketRow = RowOf<typeof queueTicketsTable>;

export const live: readonly TicketStatus[] = ['prequeued', 'waiting', 'ready', 'admitted'];

/** Who joins, and what the sale says of joining. */
export interface Joiner {
  readonly saleId: string;
  readonly userId: string;
  /** Who joins before is drawn; undefined: nobody is. */
  readonly drawAt: number | undefined;
}

/** What is told of the end of a hold. */
export interface HoldEnd {
  readonly grant: string;
  readonly saleId: string;
  readonly bought: boolean;
  readonly quantity: number;
}

/** What a round does with a room, beside what time does. */
export interface Round {
  readonly saleId: string;
  readonly drawAt: number | undefined;
  readonly activePlaces: number;
  readonly readyMs: number;
  readonly silenceMs: number;
  /** The sale is over: nobody waits any longer. */
  readonly over: boolean;
  /** The sale is paused: no turn runs out. */
  readonly paused: boolean;
  /** Numbers of those who are present, to be called in this order, beside those that other processes know of. */
  readonly call: readonly number[];
  /** Numbers of those near the head who are present: for other processes. */
  readonly here: readonly number[];
  /** Numbers of those who were seen. */
  readonly seen: readonly number[];
}
