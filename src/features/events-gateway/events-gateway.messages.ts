import type { Messages } from '../../shared/rpc/messages';
import type { EventsGatewayApi } from './events-gateway.api';
import {
  ConfirmEventsDto,
  confirmEventsAnswer,
  deadLetterAnswer,
  ingestAnswer,
  ingestBatchAnswer,
  ListDeadLettersDto,
  listDeadLettersAnswer,
  OldestPendingDto,
  oldestPendingAnswer,
  ParkEventDto,
  RedriveDeadLetterDto,
  SignedMessageDto,
} from './events-gateway.dto';
import { batchDocument, eventBody } from './events-gateway.payloads';

const headers = {
  'Idempotency-Key': {
    description: "The event's id (or the batch's); with webhook-id in its place, leave it out",
    required: false,
    example: 'evt-1',
  },
  'X-Signature': {
    description: 't=<unix seconds>[,kid=<key id>],v1=<hex>: HMAC-SHA256 over "<id>.<t>.<body>"',
    required: false,
    example: `t=1795341600,v1=${'0'.repeat(64)}`,
  },
};
const event = {
  type: 'boss_kill',
  playerId: 'player-1',
  occurredAt: '2026-11-21T10:00:00.000Z',
  payload: { bossId: 'hydra', tier: 3, points: 250 },
};
const rateLimit = ['RateLimit', 'RateLimit-Policy'] as const;
const deadLetter = {
  id: '01KAJ0000000000000000000AA',
  eventId: 'evt-1',
  consumer: 'progression',
  reason: 'xp would exceed 2^53-1',
  type: 'boss_kill',
  playerId: 'player-1',
  parkedAt: '2026-11-21T10:00:05.000Z',
};

/** What OpenAPI says of each call. */
export const eventsGatewayMessages: Messages<EventsGatewayApi> = {
  ingest: {
    summary: 'Accept one signed event; answered once it is durable (202), or as a duplicate (200)',
    request: SignedMessageDto,
    rawBody: eventBody,
    headers,
    answer: ingestAnswer,
    answers: rateLimit,
    status: 202,
    replayed: true,
    errors: {
      400: ['idempotency_key_required'],
      401: ['signature_invalid'],
      403: ['player_blocked'],
      422: ['idempotency_key_reused', 'occurred_at_out_of_range'],
      429: ['rate_limited', 'player_throttled'],
    },
    example: { request: event, answer: { eventId: 'evt-1', status: 'accepted' } },
  },
  ingestBatch: {
    summary: 'Accept 1-500 events under one signature; each has its own answer, in order',
    request: SignedMessageDto,
    rawBody: batchDocument,
    headers,
    answer: ingestBatchAnswer,
    answers: rateLimit,
    errors: { 400: ['idempotency_key_required'], 401: ['signature_invalid'], 429: ['rate_limited'] },
    example: {
      request: { events: [{ id: 'evt-1', ...event }] },
      answer: { results: [{ eventId: 'evt-1', status: 'accepted' }] },
    },
  },
  confirmEvents: {
    summary: 'A consumer has committed the effect of these events',
    request: ConfirmEventsDto,
    answer: confirmEventsAnswer,
    example: { request: { consumer: 'progression', eventIds: ['evt-1'] }, answer: { confirmed: 1 } },
  },
  parkEvent: {
    summary: 'A consumer gives an event up: it becomes a dead letter',
    request: ParkEventDto,
    answer: deadLetterAnswer,
    errors: { 404: ['event_not_found'] },
    example: { request: { eventId: 'evt-1', consumer: 'progression', reason: deadLetter.reason }, answer: deadLetter },
  },
  oldestPending: {
    summary: 'The oldest event that a consumer has not confirmed',
    request: OldestPendingDto,
    answer: oldestPendingAnswer,
    example: {
      request: { consumer: 'progression' },
      answer: { pending: 1, occurredAt: event.occurredAt, acceptedAt: event.occurredAt },
    },
  },
  listDeadLetters: {
    summary: 'Events that a consumer gave up, oldest first',
    request: ListDeadLettersDto,
    answer: listDeadLettersAnswer,
    errors: { 400: ['page_token_invalid'] },
    example: { request: {}, answer: { deadLetters: [deadLetter], nextPageToken: '' } },
  },
  redriveDeadLetter: {
    summary: 'Hand a dead letter to its consumer once more',
    request: RedriveDeadLetterDto,
    answer: deadLetterAnswer,
    errors: { 404: ['dead_letter_not_found'] },
    example: { request: { id: deadLetter.id }, answer: deadLetter },
  },
};
