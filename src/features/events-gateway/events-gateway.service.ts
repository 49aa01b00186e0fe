import { Injectable } from '@nestjs/common';
import type {
  ConfirmEventsRequest,
  ConfirmEventsResponse,
  DeadLetter,
  IngestBatchResponse,
  IngestResponse,
  ListDeadLettersRequest,
  ListDeadLettersResponse,
  OldestPendingRequest,
  OldestPendingResponse,
  ParkEventRequest,
  EventsGatewayService as Proto,
  RedriveDeadLetterRequest,
  SignedMessage,
} from '../../generated/aerie/events_gateway/v1/events_gateway';
import { toTime } from '../../shared/clock/time';
import type { CallMeta } from '../../shared/contract/contract';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import { newTraceId } from '../../shared/tracing/trace-id';
import { DeadLettersRepository } from './events-gateway.dead-letters.repository';
import type { DeadLetterRow } from './events-gateway.entity';
import { deadLetterNotFound, eventNotFound } from './events-gateway.errors';
import { EventIntake } from './events-gateway.intake';
import { JournalRepository } from './events-gateway.journal.repository';
import { EventsGatewayMetrics } from './events-gateway.metrics';
import { EventOutbox } from './events-gateway.outbox';

const maxCounted = 10_000;
// Before it was accepted; a day more than events may be old, for clocks that disagree.
const oldestMs = 8 * 24 * 3_600_000;

/** The door for signed events, and what operators and consumers ask about those that were accepted. */
@Injectable()
export class EventsGatewayService implements Omit<Proto, 'ingestStream'> {
  private readonly tokens;

  constructor(
    private readonly intake: EventIntake,
    private readonly journal: JournalRepository,
    private readonly deadLetters: DeadLettersRepository,
    private readonly outbox: EventOutbox,
    private readonly metrics: EventsGatewayMetrics,
    pageTokens: PageTokens,
  ) {
    this.tokens = pageTokens.of('dead-letters', rowNumber);
  }

  /** Accepts a signed event. @throws AppError signature_invalid, validation_failed, player_blocked, rate_limited and others */
  ingest(request: SignedMessage, { traceId = newTraceId() }: CallMeta = {}): Promise<IngestResponse> {
    return this.intake.one(request, traceId);
  }

  /** Accepts up to 500 events under one signature, each with its own answer. @throws AppError as `ingest`, for all of them */
  ingestBatch(request: SignedMessage, { traceId = newTraceId() }: CallMeta = {}): Promise<IngestBatchResponse> {
    return this.intake.batch(request, traceId);
  }

  /** A consumer has committed the effect of these events. */
  async confirmEvents({ consumer, eventIds }: ConfirmEventsRequest): Promise<ConfirmEventsResponse> {
    return { confirmed: await this.journal.confirm(consumer, eventIds) };
  }

  /** Gives an event up for a consumer that cannot apply it. @throws AppError event_not_found */
  async parkEvent({ eventId, consumer, reason }: ParkEventRequest): Promise<DeadLetter> {
    const parked = await this.deadLetters.park(eventId, consumer, reason);
    if (!parked) throw eventNotFound(eventId);
    if (parked.fresh) this.metrics.parked(consumer);
    return toDeadLetter(parked.letter);
  }

  /** How much a consumer has not confirmed, counted up to 10,000, and the earliest times of it. */
  async oldestPending({ consumer }: OldestPendingRequest): Promise<OldestPendingResponse> {
    const { count, occurredAt, acceptedAt } = await this.journal.pendingOf(consumer, maxCounted, oldestMs);
    if (occurredAt === undefined || acceptedAt === undefined) return { pending: count };
    return { pending: count, occurredAt: toTime(occurredAt), acceptedAt: toTime(acceptedAt) };
  }

  /** Oldest first. @throws AppError page_token_invalid */
  async listDeadLetters({
    pageSize = 20,
    pageToken,
    consumer,
  }: ListDeadLettersRequest): Promise<ListDeadLettersResponse> {
    const filter = consumer ?? null;
    const [after = 0] = this.tokens.decode(filter, pageToken) ?? [];
    const found = await this.deadLetters.list(consumer, after, pageSize + 1);
    const { page, nextPageToken } = this.tokens.cut(filter, found, pageSize, ({ seq }) => [seq]);
    return { deadLetters: page.map(toDeadLetter), nextPageToken };
  }

  /** Gives a dead letter back to its consumer. @throws AppError dead_letter_not_found */
  async redriveDeadLetter({ id }: RedriveDeadLetterRequest): Promise<DeadLetter> {
    const letter = await this.deadLetters.redrive(id);
    if (!letter) throw deadLetterNotFound(id);
    this.outbox.wake();
    return toDeadLetter(letter);
  }
}

function toDeadLetter({ id, eventId, consumer, reason, type, playerId, parkedAt }: DeadLetterRow): DeadLetter {
  return { id, eventId, consumer, reason, type, playerId, parkedAt: toTime(parkedAt) };
}
