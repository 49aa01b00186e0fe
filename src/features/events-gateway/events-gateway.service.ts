import { Injectable } from '@nestjs/common';
import type {
  DeadLetter,
  GetHeadRequest,
  Head,
  IngestBatchResponse,
  IngestResponse,
  ListDeadLettersRequest,
  ListDeadLettersResponse,
  ParkEventRequest,
  EventsGatewayService as Proto,
  ReadEventsRequest,
  ReadEventsResponse,
  RedriveDeadLetterRequest,
  SettleDeadLetterRequest,
  SignedMessage,
} from '../../generated/aerie/events_gateway/v1/events_gateway';
import { currentCaller } from '../../shared/auth/caller';
import { toTime } from '../../shared/clock/time';
import type { CallMeta } from '../../shared/contract/contract';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import type { Sql } from '../../shared/db/sql';
import type { DeadNews } from '../../shared/outbox/dead-news';
import { newTrace } from '../../shared/tracing/trace-id';
import { DeadLettersRepository } from './events-gateway.dead-letters.repository';
import type { DeadLetterRow } from './events-gateway.entity';
import { deadLetterNotFound, eventNotFound } from './events-gateway.errors';
import { EventIntake } from './events-gateway.intake';
import { JournalRepository } from './events-gateway.journal.repository';
import { EventsGatewayMetrics } from './events-gateway.metrics';

const defaultEvents = 100;
const maxRedriven = 100;

/** The door for signed events, and what operators and consumers ask about those that were accepted. */
@Injectable()
export class EventsGatewayService implements Omit<Proto, 'ingestStream'> {
  private readonly tokens;
  // By consumer, as each says when it reads.
  private readonly passed = new Map<string, number>();

  constructor(
    private readonly intake: EventIntake,
    private readonly journal: JournalRepository,
    private readonly deadLetters: DeadLettersRepository,
    private readonly metrics: EventsGatewayMetrics,
    pageTokens: PageTokens,
  ) {
    this.tokens = pageTokens.of('dead-letters', rowNumber);
  }

  /** Accepts a signed event. @throws AppError signature_invalid, validation_failed, player_blocked, rate_limited and others */
  ingest(request: SignedMessage, { trace = newTrace() }: CallMeta = {}): Promise<IngestResponse> {
    return this.intake.one(request, trace);
  }

  /** Accepts up to 500 events under one signature, each with its own answer. @throws AppError as `ingest`, for all of them */
  ingestBatch(request: SignedMessage, { trace = newTrace() }: CallMeta = {}): Promise<IngestBatchResponse> {
    return this.intake.batch(request, trace);
  }

  /** The events behind a number, and for a consumer those that were redriven to it. @throws AppError journal_mismatch */
  async readEvents({
    afterSeq,
    afterId,
    limit = defaultEvents,
    consumer,
  }: ReadEventsRequest): Promise<ReadEventsResponse> {
    const events = await this.journal.read(afterSeq, afterId, limit);
    // An administrator who looks has not come anywhere.
    if (consumer !== undefined && currentCaller().kind === 'internal') this.passed.set(consumer, afterSeq);
    // A number that nobody has proven to be in the log is not answered for.
    const reached = afterId === undefined ? Math.min(afterSeq, (await this.journal.head())?.seq ?? 0) : afterSeq;
    const redriven = consumer === undefined ? [] : await this.journal.redriven(consumer, maxRedriven);
    return {
      events: [...events],
      upTo: events.at(-1)?.seq ?? reached,
      redriven: redriven.map(({ letterId: deadLetterId, event }) => ({ deadLetterId, event })),
    };
  }

  /** The end of the log; for a consumer also where it begins, and how far it has come. */
  async getHead({ consumer }: GetHeadRequest): Promise<Head> {
    const head = await this.journal.head();
    const end = { seq: head?.seq ?? 0, ...(head && { acceptedAt: toTime(head.acceptedAt) }) };
    if (consumer === undefined) return end;
    const passed = this.passed.get(consumer);
    return { ...end, start: await this.journal.start(consumer), ...(passed !== undefined && { passed }) };
  }

  /** Gives an event up for a consumer that cannot apply it. @throws AppError event_not_found */
  async parkEvent({ eventId, consumer, reason }: ParkEventRequest): Promise<DeadLetter> {
    const parked = await this.deadLetters.park(eventId, consumer, reason);
    if (!parked) throw eventNotFound(eventId);
    if (parked.fresh) this.metrics.parked(consumer);
    return toDeadLetter(parked.letter);
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

  /** Hands a dead letter to its consumer again. Again does nothing. @throws AppError dead_letter_not_found */
  async redriveDeadLetter({ id }: RedriveDeadLetterRequest): Promise<DeadLetter> {
    return found(id, await this.deadLetters.redrive(id));
  }

  /** What has become of an announcement that was given up, in the transaction in which that is heard. */
  async newsTold(tx: Sql, news: DeadNews): Promise<void> {
    if (await this.deadLetters.newsTold(tx, news)) this.metrics.parked(news.consumer);
  }

  /** A consumer has tried what was redriven to it. @throws AppError dead_letter_not_found */
  async settleDeadLetter({ id, outcome, reason }: SettleDeadLetterRequest): Promise<DeadLetter> {
    const { deadLetters } = this;
    return found(id, await (outcome === 'applied' ? deadLetters.applied(id) : deadLetters.failed(id, reason)));
  }
}

function found(id: string, letter: DeadLetterRow | undefined): DeadLetter {
  if (!letter) throw deadLetterNotFound(id);
  return toDeadLetter(letter);
}

function toDeadLetter({
  seq: _,
  groupId: __,
  parkedAt,
  redrivenAt,
  feature,
  newsKey,
  ...letter
}: DeadLetterRow): DeadLetter {
  const redriven = redrivenAt === null ? {} : { redrivenAt: toTime(redrivenAt) };
  const news = feature === '' ? {} : { feature, key: newsKey };
  return { ...letter, parkedAt: toTime(parkedAt), ...redriven, ...news };
}
