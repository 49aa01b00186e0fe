import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import { eventBody, signed } from '../support/signed';
import { authCases } from './parity.auth';
import type { Case } from './parity.case';
import { fairnessCases } from './parity.fairness';

// Requests that every way into Aerie must answer alike. Each way has players and ids of its own (`w`).

const now = Math.floor(Date.now() / 1000);
const at = (ms: number): string => new Date(Date.now() + ms).toISOString();
const day = 86_400_000;
const yesterday = at(-day);

function ingest(name: string, code: string, message: (w: string) => object, extra: Partial<Case> = {}): Case {
  return { name: `ingest: ${name}`, contract: gateway, method: 'ingest', message, code, ...extra };
}

function body(name: string, code: string, content: unknown, field?: string): Case {
  return ingest(
    name,
    code,
    (w) => signed(`${w}-${name.replace(/\W/g, '-')}`, content as object),
    field === undefined ? {} : { field },
  );
}

const mac = '0'.repeat(64);
const event = (w: string) => eventBody({ playerId: `${w}-player` });

const signatures: Case[] = [
  ingest('accepted', 'ok', (w) => signed(`${w}-1`, event(w))),
  ingest('webhook spelling', 'ok', (w) => signed(`${w}-2`, event(w), { spelling: 'webhook' })),
  ingest('missing key', 'idempotency_key_required', (w) => signed('', event(w)), { field: 'id' }),
  ingest('key of 256 characters', 'validation_failed', (w) => signed('k'.repeat(256), event(w)), { field: 'id' }),
  ingest('missing signature', 'signature_invalid', (w) => ({ ...signed(`${w}-3`, event(w)), signatures: [] })),
  ingest('wrong signature', 'signature_invalid', (w) => ({ ...signed(`${w}-3`, event(w)), signatures: [mac] })),
  ingest('short signature', 'signature_invalid', (w) => ({ ...signed(`${w}-3`, event(w)), signatures: ['00'] })),
  ingest('upper-case hex', 'ok', (w) => {
    const message = signed(`${w}-upper`, event(w));
    return { ...message, signatures: message.signatures.map((one) => one.toUpperCase()) };
  }),
  ingest('five signatures', 'signature_invalid', (w) => {
    const message = signed(`${w}-3`, event(w));
    return { ...message, signatures: [mac, mac, mac, mac, ...message.signatures] };
  }),
  ingest('right signature as the fourth', 'ok', (w) => {
    const message = signed(`${w}-4`, event(w));
    return { ...message, signatures: [mac, mac, mac, ...message.signatures] };
  }),
  ingest('unknown key id', 'signature_invalid', (w) => signed(`${w}-3`, event(w), { keyId: 'nobody' })),
  ingest('301 seconds old', 'signature_invalid', (w) => signed(`${w}-3`, event(w), { timestamp: now - 400 })),
  ingest('400 seconds ahead', 'signature_invalid', (w) => signed(`${w}-3`, event(w), { timestamp: now + 400 })),
  ingest('time 0', 'signature_invalid', (w) => signed(`${w}-3`, event(w), { timestamp: 0 })),
  ingest(
    'both spellings',
    'validation_failed',
    (w) => ({ ...signed(`${w}-3`, event(w), { spelling: 'webhook' }), signatures: [mac, `v1,${'A'.repeat(43)}=`] }),
    { field: 'signatures' },
  ),
  ingest(
    'the same again',
    'ok',
    (w) => signed(`${w}-1`, { ...eventBody(), playerId: `${w}-player`, occurredAt: yesterday }),
    {
      before: (w) => [signed(`${w}-1`, { ...eventBody(), playerId: `${w}-player`, occurredAt: yesterday })],
    },
  ),
  ingest(
    'other body under the id',
    'idempotency_key_reused',
    (w) => signed(`${w}-5`, { ...event(w), payload: { deltaXp: 2 } }),
    {
      before: (w) => [signed(`${w}-5`, { ...event(w), payload: { deltaXp: 1 } })],
    },
  ),
];

const bodies: Case[] = [
  body('empty body', 'malformed_json', ''),
  body('not JSON', 'malformed_json', '{"type":'),
  body('two documents', 'malformed_json', '{}{}'),
  body('invalid UTF-8', 'malformed_json', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
  body('byte order mark', 'validation_failed', '\ufeff{}', 'type'),
  body('two byte order marks', 'malformed_json', '\ufeff\ufeff{}'),
  body('duplicate key', 'malformed_json', '{"type":"progression","type":"boss_kill"}', 'type'),
  body('nested 33 deep', 'malformed_json', `${'['.repeat(33)}${']'.repeat(33)}`),
  body('proto key', 'malformed_json', '{"__proto__":{"a":1}}', '__proto__'),
  body('NUL in text', 'validation_failed', '{"playerId":"a\\u0000b"}', 'playerId'),
  body('half a surrogate pair', 'validation_failed', '{"playerId":"\\ud800"}', 'playerId'),
  body('an array', 'validation_failed', '[]', 'body'),
  body('null', 'validation_failed', 'null', 'body'),
  body('unknown type', 'validation_failed', eventBody({ type: 'chat' }), 'type'),
  body('missing player', 'validation_failed', eventBody({ playerId: undefined }), 'playerId'),
  body('player with a space', 'validation_failed', eventBody({ playerId: 'a b' }), 'playerId'),
  body('player with U+FFFD', 'validation_failed', eventBody({ playerId: 'pla\ufffdyer' }), 'playerId'),
  body('unknown property', 'validation_failed', eventBody({ role: 'admin' }), 'role'),
  body(
    'unknown payload property',
    'validation_failed',
    eventBody({ payload: { deltaXp: 1, points: 5 } }),
    'payload.points',
  ),
  body('number as text', 'validation_failed', eventBody({ payload: { deltaXp: '10' } }), 'payload.deltaXp'),
  body('text as number', 'validation_failed', eventBody({ playerId: 12345 }), 'playerId'),
  body('null payload', 'validation_failed', eventBody({ payload: null }), 'payload'),
  body('zero XP', 'validation_failed', eventBody({ payload: { deltaXp: 0 } }), 'payload.deltaXp'),
  body('half an XP', 'validation_failed', eventBody({ payload: { deltaXp: 1.5 } }), 'payload.deltaXp'),
  body('2^53', 'validation_failed', eventBody({ payload: { deltaXp: 2 ** 53 } }), 'payload.deltaXp'),
  body('infinity', 'validation_failed', JSON.stringify(eventBody()).replace('10}', '1e999}'), 'payload.deltaXp'),
  body('30 February', 'validation_failed', eventBody({ occurredAt: '2026-02-30T00:00:00Z' }), 'occurredAt'),
  body('eight days old', 'occurred_at_out_of_range', eventBody({ occurredAt: at(-8 * day) }), 'occurredAt'),
  body('an hour ahead', 'occurred_at_out_of_range', eventBody({ occurredAt: at(day / 24) }), 'occurredAt'),
  body('17 KiB', 'body_too_large', ' '.repeat(17 * 1024)),
];

const batch = (name: string, code: string, events: (w: string) => unknown, field?: string): Case => ({
  name: `batch: ${name}`,
  contract: gateway,
  method: 'ingestBatch',
  message: (w) => signed(`${w}-batch`, { events: events(w) }),
  code,
  ...(field === undefined ? {} : { field }),
});

const batches: Case[] = [
  batch('mixed', 'ok', (w) => [
    { id: `${w}-b1`, ...event(w) },
    { id: `${w}-b2`, type: 'x' },
    7,
    { id: `${w}-b3`, ...event(w), occurredAt: at(-8 * day) },
  ]),
  batch('no event', 'validation_failed', () => [], 'events'),
  batch('501 events', 'validation_failed', () => new Array(501).fill(0), 'events'),
  batch('no array', 'validation_failed', () => ({}), 'events'),
  batch('257 KiB', 'body_too_large', () => ['x'.repeat(257 * 1024)]),
];

function admin(
  method: string,
  name: string,
  message: object | ((w: string) => object),
  code: string,
  extra: Partial<Case> = {},
): Case {
  return {
    name: `${method}: ${name}`,
    contract: gateway,
    method,
    message: typeof message === 'function' ? (message as (w: string) => object) : () => message,
    code,
    ...extra,
  };
}

const operations: Case[] = [
  admin('readEvents', 'none', { afterSeq: 9e12, limit: 1 }, 'ok'),
  admin('readEvents', 'of a consumer', { afterSeq: 9e12, consumer: 'progression' }, 'ok'),
  admin('readEvents', 'behind an event that is not there', { afterSeq: 9e12, afterId: 'a' }, 'journal_mismatch'),
  admin('readEvents', 'unknown consumer', { afterSeq: 0, consumer: 'nobody' }, 'validation_failed', {
    field: 'consumer',
  }),
  admin('readEvents', 'before the beginning', { afterSeq: -1 }, 'validation_failed', { field: 'afterSeq' }),
  admin('readEvents', 'a limit of 0', { afterSeq: 0, limit: 0 }, 'validation_failed', { field: 'limit' }),
  admin('readEvents', 'too many', { afterSeq: 0, limit: 1001 }, 'validation_failed', { field: 'limit' }),
  admin('parkEvent', 'unknown event', { eventId: 'nobody', consumer: 'progression', reason: 'x' }, 'event_not_found'),
  admin('parkEvent', 'no reason', { eventId: 'a', consumer: 'progression', reason: '' }, 'validation_failed', {
    field: 'reason',
  }),
  admin(
    'parkEvent',
    'control character',
    { eventId: 'a', consumer: 'progression', reason: 'a\u0007' },
    'validation_failed',
    { field: 'reason' },
  ),
  admin('getHead', 'unknown consumer', { consumer: 'x' }, 'validation_failed', { field: 'consumer' }),
  admin('listDeadLetters', 'none', {}, 'ok'),
  admin('listDeadLetters', 'page of 0', { pageSize: 0 }, 'validation_failed', { field: 'pageSize' }),
  admin('listDeadLetters', 'page of 101', { pageSize: 101 }, 'validation_failed', { field: 'pageSize' }),
  admin('listDeadLetters', 'made-up token', { pageToken: 'abc' }, 'page_token_invalid', { field: 'pageToken' }),
  admin('redriveDeadLetter', 'unknown', { id: '01KAJ0000000000000000000AA' }, 'dead_letter_not_found'),
  admin(
    'settleDeadLetter',
    'unknown',
    { id: '01KAJ0000000000000000000AA', outcome: 'applied' },
    'dead_letter_not_found',
  ),
  admin('settleDeadLetter', 'no ULID', { id: 'x', outcome: 'applied' }, 'validation_failed', { field: 'id' }),
  admin('settleDeadLetter', 'neither', { id: '01KAJ0000000000000000000AA', outcome: 'perhaps' }, 'validation_failed', {
    field: 'outcome',
  }),
  admin('redriveDeadLetter', 'no ULID', { id: 'x' }, 'validation_failed', { field: 'id' }),
];

function player(
  method: string,
  name: string,
  message: (w: string) => object,
  code: string,
  extra: Partial<Case> = {},
): Case {
  return { name: `${method}: ${name}`, contract: progression, method, message, code, ...extra };
}

const progress: Case[] = [
  player('getProgress', 'unknown player', (w) => ({ playerId: `${w}-nobody` }), 'player_not_found'),
  player('getProgress', 'an id with a space', () => ({ playerId: 'a b' }), 'validation_failed', { field: 'playerId' }),
  player('listRewards', 'none', (w) => ({ playerId: `${w}-nobody` }), 'ok'),
  player('listRewards', 'unknown status', () => ({ playerId: 'player-1', status: 'lost' }), 'validation_failed', {
    field: 'status',
  }),
  player('listRewards', 'made-up token', () => ({ playerId: 'player-1', pageToken: 'abc' }), 'page_token_invalid', {
    field: 'pageToken',
  }),
  player('claimReward', 'not earned', (w) => ({ playerId: `${w}-nobody`, rewardId: 'boss-x' }), 'reward_not_found'),
  player('claimReward', 'unknown kind', () => ({ playerId: 'player-1', rewardId: 'gift-x' }), 'validation_failed', {
    field: 'rewardId',
  }),
  player(
    'claimReward',
    'bad idempotency key',
    () => ({ playerId: 'player-1', rewardId: 'boss-x' }),
    'validation_failed',
    { headers: { 'idempotency-key': '"open' }, field: 'Idempotency-Key' },
  ),
  player('verifyReward', 'malformed', () => ({ receipt: 'x' }), 'ok'),
  player('verifyReward', 'empty', () => ({ receipt: '' }), 'validation_failed', { field: 'receipt' }),
  player(
    'verifyReward',
    'signed by a stranger',
    () => ({ receipt: 'eyJhbGciOiJIUzI1NiIsImtpZCI6Im5vYm9keSIsInR5cCI6InJlY2VpcHQrand0In0.e30.AAAA' }),
    'ok',
  ),
];

/** The case table. */
export const parityCases: readonly Case[] = [
  ...signatures,
  ...bodies,
  ...batches,
  ...operations,
  ...progress,
  ...fairnessCases,
  ...authCases,
];
