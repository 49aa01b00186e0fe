import type { Docs } from '../../shared/contract/call-docs';
import { idempotencyKeyHeader, type RequestHeaders } from '../../shared/contract/request-headers';
import type { EventsGatewayApi } from './events-gateway.api';
import {
  deadLetterAnswer,
  GetHeadDto,
  headAnswer,
  ingestAnswer,
  ingestBatchAnswer,
  ListDeadLettersDto,
  listDeadLettersAnswer,
  ParkEventDto,
  ReadEventsDto,
  RedriveDeadLetterDto,
  readEventsAnswer,
  SettleDeadLetterDto,
  SignedMessageDto,
} from './events-gateway.dto';
import { batchDocument, eventBody } from './events-gateway.payloads';

/**
 * The three headers of Standard Webhooks, under the names that their libraries give them. They have no examples: whoever tries
 * a call with all of its examples would send both spellings.
 */
function webhookHeaders(name: 'webhook' | 'svix'): RequestHeaders {
  const instead = 'In place of Idempotency-Key and X-Signature, with the other two of its kind';
  const optional = { required: false };
  return {
    [`${name}-id`]: {
      ...optional,
      description: `${instead}: the event's id, or the batch's`,
      pattern: '^[!-~](?:[ -~]{0,253}[!-~])?$',
      maxLength: 255,
    },
    [`${name}-timestamp`]: {
      ...optional,
      description: `${instead}: seconds since 1970`,
      pattern: '^[1-9][0-9]{0,14}$',
    },
    [`${name}-signature`]: {
      ...optional,
      description: `${instead}: a list of v1,<base64 of HMAC-SHA256 over "<id>.<timestamp>.<body>">, with spaces between`,
      pattern: '(?:^| )v1,[A-Za-z0-9+/]{43}=(?:[ ,]|$)',
    },
  };
}

// OpenAPI has no word for one of two: what Aerie's own senders use is required, what may stand in its place is not.
const headers: RequestHeaders = {
  'Idempotency-Key': idempotencyKeyHeader("The event's id, or the batch's", 'evt-1', true),
  'X-Signature': {
    description: 't=<unix seconds>[,kid=<key id>],v1=<hex>: HMAC-SHA256 over "<id>.<t>.<body>"; 1-4 of v1',
    required: true,
    example: `t=1795341600,v1=${'0'.repeat(64)}`,
    pattern: '^t=[1-9][0-9]{0,14}(?:,kid=[A-Za-z0-9_.-]{1,64})?(?:,v1=[0-9A-Fa-f]{64}){1,4}$',
  },
  ...webhookHeaders('webhook'),
  ...webhookHeaders('svix'),
};
const event = {
  type: 'boss_kill',
  playerId: 'player-1',
  occurredAt: '2026-11-21T10:00:00.000Z',
  payload: { bossId: 'hydra', tier: 3, points: 250 },
};
const deadLetter = {
  id: '01KAJ0000000000000000000AA',
  eventId: 'evt-1',
  consumer: 'progression',
  reason: 'xp would exceed 2^53-1',
  type: 'boss_kill',
  playerId: 'player-1',
  parkedAt: '2026-11-21T10:00:05.000Z',
  eventSeq: 1,
};
const accepted = {
  id: 'evt-1',
  type: 'boss_kill',
  playerId: 'player-1',
  occurredAt: '2026-11-21T10:00:00.000Z',
  acceptedAt: '2026-11-21T10:00:01.000Z',
  points: 250,
  bossId: 'hydra',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  seq: 1,
};

/** Describes each call for OpenAPI. */
export const eventsGatewayDocs: Docs<EventsGatewayApi> = {
  ingest: {
    summary: 'Accept one signed event; answered once it is durable (202), or as a duplicate (200)',
    request: SignedMessageDto,
    signedBody: eventBody,
    headers,
    answer: ingestAnswer,
    facts: ['limits'],
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
    signedBody: batchDocument,
    headers,
    answer: ingestBatchAnswer,
    facts: ['limits'],
    errors: { 400: ['idempotency_key_required'], 401: ['signature_invalid'], 429: ['rate_limited'] },
    example: {
      request: { events: [{ id: 'evt-1', ...event }] },
      answer: { results: [{ eventId: 'evt-1', status: 'accepted' }] },
    },
  },
  readEvents: {
    summary: 'The events behind a number, in the order of the log',
    request: ReadEventsDto,
    answer: readEventsAnswer,
    errors: { 422: ['journal_mismatch'] },
    example: { request: { afterSeq: 0, limit: 100 }, answer: { events: [accepted], upTo: 1, redriven: [] } },
  },
  getHead: {
    summary: 'The end of the log',
    request: GetHeadDto,
    answer: headAnswer,
    example: { request: {}, answer: { seq: 1, acceptedAt: accepted.acceptedAt } },
  },
  parkEvent: {
    summary: 'A consumer gives an event up: it becomes a dead letter',
    request: ParkEventDto,
    answer: deadLetterAnswer,
    errors: { 404: ['event_not_found'] },
    example: { request: { eventId: 'evt-1', consumer: 'progression', reason: deadLetter.reason }, answer: deadLetter },
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
    example: {
      request: { id: deadLetter.id },
      answer: { ...deadLetter, redrivenAt: '2026-11-21T11:00:00.000Z' },
    },
  },
  settleDeadLetter: {
    summary: 'A consumer has applied a redriven event, or gives it up again',
    request: SettleDeadLetterDto,
    answer: deadLetterAnswer,
    errors: { 404: ['dead_letter_not_found'] },
    example: { request: { id: deadLetter.id, outcome: 'failed', reason: deadLetter.reason }, answer: deadLetter },
  },
};
