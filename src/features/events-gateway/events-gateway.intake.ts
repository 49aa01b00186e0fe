import { Injectable } from '@nestjs/common';
import type {
  IngestBatchResponse,
  IngestResponse,
  IngestResult,
  SignedMessage,
} from '../../generated/aerie/events_gateway/v1/events_gateway';
import type { Settle } from '../../shared/async/guarded';
import { Clock } from '../../shared/clock/clock';
import { answer } from '../../shared/contract/answer';
import { parse } from '../../shared/contract/dto';
import { idempotencyKey } from '../../shared/contract/schemas';
import { AppError } from '../../shared/errors/app-error';
import { bodyTooLarge } from '../../shared/errors/common.errors';
import { toAppError } from '../../shared/errors/to-app-error';
import { parseJson } from '../../shared/http/json';
import { Lifecycle } from '../../shared/lifecycle/lifecycle';
import type { Trace } from '../../shared/tracing/trace';
import { EventAcceptance, type Recorded } from './events-gateway.acceptance';
import { eventsGatewayContract } from './events-gateway.api';
import { idempotencyKeyRequired, occurredAtOutOfRange } from './events-gateway.errors';
import type { GameEvent } from './events-gateway.event';
import { EventsGatewayMetrics } from './events-gateway.metrics';
import { batchBody, batchItem, type EventBody, type EventFields, eventBody, fieldsOf } from './events-gateway.payloads';
import { SignatureVerifier } from './events-gateway.signature';
import { documentedFields } from './events-gateway.spelling';
import { KeyThrottle } from './events-gateway.throttle';

const maxAheadMs = 5 * 60_000;
const maxAgeMs = 7 * 24 * 3_600_000;
const { ingest, ingestBatch } = eventsGatewayContract.routes;

/** From signed bytes to durable events. Checks go from cheap to dear, so that a flood of refused ones costs little. */
@Injectable()
export class EventIntake {
  constructor(
    private readonly verifier: SignatureVerifier,
    private readonly throttle: KeyThrottle,
    private readonly acceptance: EventAcceptance,
    private readonly metrics: EventsGatewayMetrics,
    private readonly clock: Clock,
    private readonly lifecycle: Lifecycle,
  ) {}

  /** Accepts one event. @throws AppError as EventsGatewayService.ingest */
  one(message: SignedMessage, trace: Trace): Promise<IngestResponse> {
    return new Promise((resolve, reject) => {
      this.take(message, trace, (error, answered) => (answered ? resolve(answered) : reject(error)));
    });
  }

  /** Accepts one event without a promise on its way; all errors come to `settle`. */
  take(message: SignedMessage, trace: Trace, settle: Settle<IngestResponse>): void {
    const started = this.clock.monotonic();
    const refuse = (error: unknown): void => {
      if (!this.isWarmUp(trace)) this.metrics.refused(toAppError(error).code);
      settle(error);
    };
    try {
      const kid = this.verified(message, ingest.bodyLimit);
      const limits = this.isWarmUp(trace) ? undefined : this.throttle.take(kid, 1);
      const event = this.toEvent(message.id, fieldsIn(message.body), trace);
      this.acceptance.record(event, (error, status) => {
        if (status === undefined || status instanceof AppError) return refuse(status ?? error);
        this.metrics.ingested(event.type, status);
        this.metrics.took(this.clock.monotonic() - started);
        const body = { eventId: event.id, status };
        const told = { ...(status === 'duplicate' && { replayed: 'effect' as const }), ...(limits && { limits }) };
        settle(undefined, status === 'duplicate' || limits ? answer(body, told) : body);
      });
    } catch (error) {
      refuse(error);
    }
  }

  /** Accepts each event of a batch by itself. @throws AppError for all of them, as EventsGatewayService.ingestBatch */
  async batch(message: SignedMessage, trace: Trace): Promise<IngestBatchResponse> {
    const started = this.clock.monotonic();
    const kid = this.verified(message, ingestBatch.bodyLimit);
    const { events: items } = parse(batchBody, parseJson(message.body));
    const limits = this.throttle.take(kid, items.length);
    const checked = items.map((item) => this.checked(item, trace));
    const recorded = await this.acceptance.recordAll(
      checked.filter((event): event is GameEvent => !(event instanceof Refused)),
    );
    let next = 0;
    const results = checked.map((event) =>
      event instanceof Refused ? this.rejected(event.id, event.error) : this.result(event, recorded[next++]),
    );
    this.metrics.took(this.clock.monotonic() - started);
    return limits ? answer({ results }, { limits }) : { results };
  }

  /** All that happens to events, with no effect: nothing is counted, and what is recorded is rolled back. */
  rehearse(messages: readonly SignedMessage[]): Promise<void> {
    return this.acceptance.rehearse(
      messages.map((message) => {
        this.verified(message, ingest.bodyLimit);
        return this.toEvent(message.id, fieldsIn(message.body), { traceId: '' });
      }),
    );
  }

  /** A request of the warm-up spends nobody's limit and is not counted. */
  private isWarmUp({ traceId }: Trace): boolean {
    return traceId === this.lifecycle.warmUpTraceId;
  }

  private verified(message: SignedMessage, limit = 0): string {
    if (message.body.length > limit) throw bodyTooLarge(limit);
    if (message.id === '') throw idempotencyKeyRequired();
    return this.verifier.verify(message);
  }

  private checked(item: unknown, trace: Trace): GameEvent | Refused {
    try {
      const { id, ...event } = parse(batchItem, item);
      return this.toEvent(id, fieldsOf(event as EventBody), trace);
    } catch (error) {
      return new Refused(idOf(item), toAppError(error));
    }
  }

  private toEvent(id: string, fields: EventFields, { traceId, spanId }: Trace): GameEvent {
    const now = this.clock.now();
    const { occurredAt } = fields;
    if (!(occurredAt <= now + maxAheadMs && occurredAt >= now - maxAgeMs)) throw occurredAtOutOfRange();
    // It decides for good which windows the event counts for.
    return { ...fields, id, acceptedAt: this.clock.steady(), traceId, spanId };
  }

  private result(event: GameEvent, recorded: Recorded | undefined): IngestResult {
    if (recorded !== 'accepted' && recorded !== 'duplicate') return this.rejected(event.id, toAppError(recorded));
    this.metrics.ingested(event.type, recorded);
    return { eventId: event.id, status: recorded };
  }

  private rejected(eventId: string, { code, message, details }: AppError): IngestResult {
    this.metrics.refused(code);
    const retryAfterMs = details.retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(details.retryAfterMs) };
    return { eventId, status: 'rejected', error: { code, message, ...retryAfterMs } };
  }
}

class Refused {
  constructor(
    readonly id: string,
    readonly error: AppError,
  ) {}
}

function fieldsIn(body: Buffer): EventFields {
  return documentedFields(body) ?? fieldsOf(parse(eventBody, parseJson(body)));
}

/** The id of a refused item, if it has one that may be shown. */
function idOf(item: unknown): string {
  const id = typeof item === 'object' && item !== null ? (item as { id?: unknown }).id : undefined;
  return idempotencyKey.safeParse(id).data ?? '';
}
