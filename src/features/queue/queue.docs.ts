import type { Docs } from '../../shared/contract/call-docs';
import type { QueueApi } from './queue.api';
import {
  drawAnswer,
  GetDrawDto,
  GetQueueStatsDto,
  GetQueueStatusDto,
  JoinQueueDto,
  LeaveQueueDto,
  leaveQueueAnswer,
  queueAdmissionAnswer,
  queueStatsAnswer,
  queueStatusAnswer,
  queueTicketAnswer,
  RequestAdmissionDto,
} from './queue.dto';

const at = '2026-11-27T10:00:00.000Z';
const saleId = 'founders-pack';
const ticket = 'qQ3vS0yqzJXb2mB8kWcE4rN6uF1dH7gLpA9iYxOeVsM';
const ticketHash = '5a83b1b0ddcd04b1a2a1c0c2ad4e2a7a6fd9d2c1d8a64e0b7e9f6d3c5b4a3920';
const seedHash = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const hash = '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752';
const eta = { known: true, p50Seconds: 90, p90Seconds: 140 };
const waiting = { status: 'waiting' as const, position: 12, ahead: 11, eta, pollAfterMs: 2000 };
const notFound = { 404: ['queue_ticket_not_found'] };
const noQueue = ['sale_not_found', 'queue_not_found'];

/** Each call as OpenAPI describes it. */
export const queueDocs: Docs<QueueApi> = {
  joinQueue: {
    summary: 'Join the waiting room of a sale, or hear again of the ticket that one has',
    request: JoinQueueDto,
    answer: queueTicketAnswer,
    status: 202,
    facts: ['secret'],
    errors: {
      404: noQueue,
      409: ['queue_not_open', 'queue_closed', 'queue_ticket_key_gone'],
      422: ['limit_exceeded'],
    },
    example: {
      request: { saleId },
      answer: {
        ...{ ticket, number: 12, ...waiting },
        receipt: { number: 12, ticketHash, joinedAt: at, previous: seedHash, hash },
      },
    },
  },
  getQueueStatus: {
    summary: 'Where a ticket is, at most 250 ms ago; whoever asks is present',
    request: GetQueueStatusDto,
    answer: queueStatusAnswer,
    errors: notFound,
    example: { request: { ticket }, answer: { ...waiting, supplyLikely: true, number: 12 } },
  },
  requestAdmission: {
    summary: 'Enter with a ticket that was called: the grant for one reservation, the same one when asked again',
    request: RequestAdmissionDto,
    answer: queueAdmissionAnswer,
    facts: ['secret'],
    errors: { 403: ['not_ready'], 404: notFound[404], 409: ['queue_ticket_ended', 'sale_paused'] },
    example: {
      request: { ticket },
      answer: {
        grant: 'eyJhbGciOiJIUzI1NiIsImtpZCI6ImRldiIsInR5cCI6ImdyYW50K2p3dCJ9.eyJqdGkiOiIuLi4ifQ.c2lnbmF0dXJl',
        expiresAt: '2026-11-27T10:00:30.000Z',
      },
    },
  },
  leaveQueue: {
    summary: 'Give a ticket up; a grant that it has is taken back unless it was used',
    request: LeaveQueueDto,
    answer: leaveQueueAnswer,
    errors: notFound,
    example: { request: { ticket }, answer: { status: 'left' } },
  },
  leaveQueueByBeacon: {
    summary: 'Give a ticket up from a page that closes: a beacon without a body',
    request: LeaveQueueDto,
    answer: leaveQueueAnswer,
    errors: notFound,
    example: { request: { ticket }, answer: { status: 'left' } },
  },
  getQueueStats: {
    summary: 'How many wait, are called, have grants and have bought',
    request: GetQueueStatsDto,
    answer: queueStatsAnswer,
    errors: { 404: noQueue },
    example: {
      request: { saleId },
      answer: {
        ...{ saleId, activePlaces: 100, taken: 97, prequeued: 0, waiting: 1480, present: 1201, ready: 22 },
        ...{ admitted: 75, done: 310, left: 44, expired: 61, asOf: at },
      },
    },
  },
  getDraw: {
    summary: 'The commitment to the seed of a draw; afterwards the seed, the joins and their places',
    request: GetDrawDto,
    answer: drawAnswer,
    errors: { 404: noQueue, 400: ['page_token_invalid'] },
    example: {
      request: { saleId },
      answer: {
        ...{ saleId, seedHash, drawAt: at, drawn: true, seed: hash },
        joins: [{ number: 1, ticketHash, joinedAt: at, hash, place: 7 }],
        nextPageToken: '',
      },
    },
  },
};
