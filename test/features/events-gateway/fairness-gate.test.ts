import { FairnessGate } from '../../../src/features/events-gateway/events-gateway.fairness-gate';
import {
  EventsGatewayMetrics,
  eventsGatewayMetrics,
} from '../../../src/features/events-gateway/events-gateway.metrics';
import { EventsGatewaySettings } from '../../../src/features/events-gateway/events-gateway.settings';
import type { FairnessApi } from '../../../src/features/fairness/fairness.api';
import type { CheckRequest, CheckResponse } from '../../../src/generated/aerie/fairness/v1/fairness';
import { Metrics } from '../../../src/shared/metrics/metrics';
import { metricsOf } from '../../support/metrics';
import { recordingLogger } from '../../support/recording-logger';
import { settingsOf } from '../../support/settings';
import { inVirtualTime } from '../../support/virtual-time';

// SPEC 3: fairness that fails or hangs. A function stands for it: the real one fails when it likes.

type Check = (request: CheckRequest) => Promise<CheckResponse>;

function gate(check: Check, onFailure: 'allow' | 'deny' = 'allow') {
  const metrics = new Metrics();
  const { logger, lines: warnings } = recordingLogger();
  const config = settingsOf(EventsGatewaySettings, { FAIRNESS_ON_FAILURE: onFailure });
  const calls = metricsOf(EventsGatewayMetrics, eventsGatewayMetrics, metrics);
  const gatekeeper = new FairnessGate({ check } as FairnessApi, calls, config, logger);
  const counted = async (status: string) =>
    (await metrics.registry.getSingleMetric('events_fairness_requests_total')?.get())?.values.find(
      ({ labels }) => labels.status === status,
    )?.value ?? 0;
  return { gatekeeper, warnings, counted };
}

function events(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    id: `e-${i}`,
    type: 'progression',
    playerId: `player-${i}`,
    occurredAt: 0,
    acceptedAt: 0,
    payload: '{}',
    points: i,
    traceId: '',
  }));
}

const allow: Check = async (request) => ({ verdicts: request.events.map(() => ({ decision: 'allow' })) });
const broken: [string, Check][] = [
  ['fails', () => Promise.reject(new Error('fairness is broken'))],
  [
    'throws',
    () => {
      throw new Error('fairness is broken');
    },
  ],
  ['hangs', () => new Promise(() => undefined)],
  ['answers too few', async () => ({ verdicts: [] })],
];

test('who may not pass hears why and for how long', async () => {
  const verdicts = [
    { decision: 'allow' },
    { decision: 'throttle', rule: 'flood', retryAfterMs: 250 },
    { decision: 'block', rule: 'jump', retryAfterMs: 600_000 },
  ];
  const { gatekeeper, counted } = gate(async () => ({ verdicts }));
  const refused = await gatekeeper.refused(events(3));
  expect([...refused.keys()]).toEqual(['e-1', 'e-2']);
  expect(refused.get('e-1')).toMatchObject({
    kind: 'throttled',
    code: 'player_throttled',
    details: { retryAfterMs: 250 },
  });
  expect(refused.get('e-2')).toMatchObject({
    kind: 'forbidden',
    code: 'player_blocked',
    details: { retryAfterMs: 600_000 },
  });
  expect(await counted('ok')).toBe(1);
});

test('fairness sees what it needs, in order, 500 events at a time; without events it is not asked', async () => {
  const asked: CheckRequest[] = [];
  const { gatekeeper } = gate((request) => {
    asked.push(request);
    return allow(request);
  });
  expect((await gatekeeper.refused([])).size).toBe(0);
  expect((await gatekeeper.refused(events(2001))).size).toBe(0);
  expect(asked.map((request) => request.events.length)).toEqual([500, 500, 500, 500, 1]);
  expect(asked.flatMap((request) => request.events)[1500]).toEqual({
    eventId: 'e-1500',
    type: 'progression',
    playerId: 'player-1500',
    points: 1500,
  });
});

describe.each(broken)('fairness %s', (_how, check) => {
  test('FAIRNESS_ON_FAILURE=allow: everybody passes within a second, and it is counted and logged', async () => {
    const { gatekeeper, warnings, counted } = gate(check);
    expect((await inVirtualTime(1001, () => gatekeeper.refused(events(3)))).size).toBe(0);
    expect([await counted('failed'), await counted('ok')]).toEqual([1, 0]);
    expect(warnings).toEqual([expect.objectContaining({ count: 3, on_failure: 'allow', err: expect.anything() })]);
  });

  test('FAIRNESS_ON_FAILURE=deny: nobody does, as if the service were unavailable', async () => {
    const { gatekeeper, counted } = gate(check, 'deny');
    const refused = await inVirtualTime(1001, () => gatekeeper.refused(events(3)));
    expect([...refused].map(([id, { kind, code }]) => [id, kind, code])).toEqual(
      ['e-0', 'e-1', 'e-2'].map((id) => [id, 'unavailable', 'unavailable']),
    );
    expect(await counted('failed')).toBe(1);
  });
});

test('deny refuses those alone about whom there is no answer', async () => {
  let call = 0;
  const { gatekeeper } = gate((request) => (call++ === 1 ? Promise.reject(new Error('once')) : allow(request)), 'deny');
  const refused = await gatekeeper.refused(events(2500));
  expect([
    refused.size,
    refused.has('e-499'),
    refused.has('e-500'),
    refused.has('e-999'),
    refused.has('e-1000'),
  ]).toEqual([500, false, true, true, false]);
});

test('it is logged once a second at most', async () => {
  const { gatekeeper, warnings, counted } = gate(() => Promise.reject(new Error('fairness is broken')));
  const ask = async (): Promise<void> => {
    for (let i = 0; i < 100; i += 1) await gatekeeper.refused(events(1));
  };
  await inVirtualTime(0, ask);
  expect([await counted('failed'), warnings.length]).toEqual([100, 1]);
});
