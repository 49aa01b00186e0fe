import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { fairnessContract as fairness } from '../../src/features/fairness/fairness.api';
import { eventBody, signed } from '../support/signed';
import type { Case } from './parity.case';

function call(method: string, name: string, message: (w: string) => object, code: string, field?: string): Case {
  const more = field === undefined ? {} : { field };
  return { name: `${method}: ${name}`, contract: fairness, method, message, code, ...more };
}

const checked = (w: string, change: object = {}) => ({
  eventId: `${w}-1`,
  type: 'boss_kill',
  playerId: `${w}-player`,
  points: 10,
  ...change,
});
const check = (name: string, change: object, field: string): Case =>
  call('check', name, (w) => ({ events: [checked(w), checked(w, change)] }), 'validation_failed', field);

const checks: Case[] = [
  call('check', 'allowed', (w) => ({ events: [checked(w)] }), 'ok'),
  call('check', 'over the cap, and one more', (w) => ({ events: [checked(w, { points: 5001 }), checked(w)] }), 'ok'),
  call('check', 'no event', () => ({ events: [] }), 'validation_failed', 'events'),
  call('check', '1001 events', (w) => ({ events: new Array(1001).fill(checked(w)) }), 'validation_failed', 'events'),
  check('unknown type', { type: 'chat' }, 'events[1].type'),
  check('negative points', { points: -1 }, 'events[1].points'),
  check('an id that ends with a space', { eventId: 'a b ' }, 'events[1].eventId'),
  check('player with a space', { playerId: 'a b' }, 'events[1].playerId'),
];

const players: Case[] = [
  call('getPlayer', 'unknown player', (w) => ({ playerId: `${w}-nobody` }), 'ok'),
  call('getPlayer', 'an id with a space', () => ({ playerId: 'a b' }), 'validation_failed', 'playerId'),
  call('blockPlayer', 'a minute', (w) => ({ playerId: `${w}-player`, seconds: 60, reason: 'é' }), 'ok'),
  ...[0, 2_592_001, -1].map((seconds) =>
    call(
      'blockPlayer',
      `${seconds} seconds`,
      () => ({ playerId: 'player-1', seconds, reason: 'x' }),
      'validation_failed',
      'seconds',
    ),
  ),
  ...['', 'a\u0007', 'x'.repeat(201)].map((reason) =>
    call(
      'blockPlayer',
      `reason ${JSON.stringify(reason.slice(0, 9))}`,
      () => ({ playerId: 'player-1', seconds: 1, reason }),
      'validation_failed',
      'reason',
    ),
  ),
  call('unblockPlayer', 'who is not blocked', (w) => ({ playerId: `${w}-nobody` }), 'ok'),
  call('unblockPlayer', 'an id with a space', () => ({ playerId: 'a b' }), 'validation_failed', 'playerId'),
];

const flagId = '01KAJ0000000000000000000AA';
const lists: Case[] = [
  call('listBlocks', 'page of 101', () => ({ pageSize: 101 }), 'validation_failed', 'pageSize'),
  call('listBlocks', 'made-up token', () => ({ pageToken: 'abc' }), 'page_token_invalid', 'pageToken'),
  call('listFlags', 'none', (w) => ({ playerId: `${w}-nobody` }), 'ok'),
  call('listFlags', 'unknown rule', () => ({ rule: 'manual' }), 'validation_failed', 'rule'),
  call('listFlags', 'unknown verdict', () => ({ verdict: 'guilty' }), 'validation_failed', 'verdict'),
  call('listFlags', 'made-up token', () => ({ pageToken: 'abc' }), 'page_token_invalid', 'pageToken'),
  call('reviewFlag', 'unknown', () => ({ id: flagId, verdict: 'confirmed' }), 'flag_not_found'),
  call('reviewFlag', 'no ULID', () => ({ id: 'x', verdict: 'confirmed' }), 'validation_failed', 'id'),
  call('reviewFlag', 'open again', () => ({ id: flagId, verdict: 'open' }), 'validation_failed', 'verdict'),
];

const rules: Case[] = [
  call('listRules', 'as they are', () => ({}), 'ok'),
  call('updateRule', 'unknown', () => ({ id: 'casino', mode: 'off' }), 'rule_not_found'),
  call('updateRule', 'nothing', () => ({ id: 'flood' }), 'validation_failed', 'body'),
  call('updateRule', 'no threshold', () => ({ id: 'flood', thresholds: {} }), 'validation_failed', 'body'),
  call('updateRule', 'a version only', () => ({ id: 'flood', expectedVersion: 1 }), 'validation_failed', 'body'),
  call('updateRule', 'unknown mode', () => ({ id: 'flood', mode: 'on' }), 'validation_failed', 'mode'),
  call(
    'updateRule',
    "another rule's threshold",
    () => ({ id: 'flood', thresholds: { maxEvents: 20, minSamples: 20 } }),
    'validation_failed',
    'thresholds.minSamples',
  ),
  call(
    'updateRule',
    'a threshold out of bounds',
    () => ({ id: 'flood', thresholds: { maxEvents: 0 } }),
    'validation_failed',
    'thresholds.maxEvents',
  ),
  call(
    'updateRule',
    'no deviation at all',
    () => ({ id: 'outlier', thresholds: { maxDeviations: 0 } }),
    'validation_failed',
    'thresholds.maxDeviations',
  ),
  call('updateRule', 'another version', () => ({ id: 'jump', mode: 'off', expectedVersion: 99 }), 'version_mismatch'),
];

const ofPlayer = (w: string, deltaXp = 1) => eventBody({ playerId: `${w}-player`, payload: { deltaXp } });
const ingest = (name: string, message: (w: string) => object, code: string, before?: Case['before']): Case => ({
  name: `ingest: ${name}`,
  contract: gateway,
  method: 'ingest',
  message,
  code,
  ...(before ? { before } : {}),
});

const refusals: Case[] = [
  ingest('more points than one event may have', (w) => signed(`${w}-big`, ofPlayer(w, 1001)), 'player_blocked'),
  ingest(
    'a blocked player',
    (w) => signed(`${w}-small`, ofPlayer(w)),
    'player_blocked',
    (w) => [signed(`${w}-big`, ofPlayer(w, 1001))],
  ),
  ingest(
    'the 11th within a second',
    (w) => signed(`${w}-11`, ofPlayer(w)),
    'player_throttled',
    (w) => Array.from({ length: 10 }, (_, i) => signed(`${w}-${i}`, ofPlayer(w))),
  ),
];

export const fairnessCases: readonly Case[] = [...checks, ...players, ...lists, ...rules, ...refusals];
