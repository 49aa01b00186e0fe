import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BelievedCallers } from '../../../src/shared/otel/believed-callers';
import { OtelTracing, type SpanFate } from '../../../src/shared/otel/otel.tracing';
import { inSpan } from '../../../src/shared/tracing/in-span';
import { currentContext, runInContext } from '../../../src/shared/tracing/request-context';
import type { Span } from '../../../src/shared/tracing/span';
import type { CallersTrace } from '../../../src/shared/tracing/tracing';
import { eventually } from '../../support/eventually';
import { type ReceivedSpan, type Receiver, startReceiver } from '../../support/otlp';
import { recordingLogger } from '../../support/recording-logger';

const secret = 'the-secret-between-the-processes-of-a-test';
const traceIds = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [string, string, string];
const counted: Record<SpanFate, number> = { sent: 0, failed: 0, dropped: 0 };

async function openAt(url: string, sampler: { readonly ratio?: number; readonly parentBased?: boolean } = {}) {
  const { logger, told } = recordingLogger();
  const { ratio = 1, parentBased = true } = sampler;
  const config = { url: `${url}/v1/traces`, headers: { 'x-key': 'abc' }, ratio, parentBased, resource: {} };
  const believed = new BelievedCallers({ internalSecrets: [Buffer.from(secret)], trustedProxies: ['10.0.0.0/8'] });
  const tracing = await OtelTracing.open(config, logger, {
    count: (status, spans) => {
      counted[status] += spans;
    },
    believes: (one) => believed.includes(one),
  });
  return { tracing, told };
}

function requestIn(tracing: OtelTracing, traceId: string): Span {
  const span = tracing.request('POST /events', traceId, undefined);
  if (!span) throw new Error('It is not recorded');
  return span;
}

describe('with a receiver', () => {
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver();
  });
  afterAll(() => receiver[Symbol.asyncDispose]());

  const one = (traceId: string, name: string): ReceivedSpan => {
    const found = receiver.of(traceId).filter((span) => span.name === name);
    expect(found).toHaveLength(1);
    return found[0] as ReceivedSpan;
  };

  test('a group is part of its first trace and linked to the others, whose own spans link to it', async () => {
    const { tracing } = await openAt(receiver.url);
    const [first, second] = [requestIn(tracing, traceIds[0]), requestIn(tracing, traceIds[1])];
    // Twice of the second, one that is not recorded, and one without a trace.
    const traces = [{ traceId: 'f'.repeat(32) }, first, second, {}, second];
    const work = () => inSpan('INSERT game_events', 'client', {}, async () => currentContext()?.traceId);
    expect(await tracing.group({ name: 'commit', kind: 'internal', traces, work })).toBe(traceIds[0]);
    const failing = {
      name: 'fail',
      kind: 'internal',
      traces,
      work: () => Promise.reject(new TypeError('secret')),
    } as const;
    await expect(tracing.group(failing)).rejects.toThrow('secret');
    for (const span of [first, second]) span.end();
    await tracing.close();
    const [lead, other] = [one(traceIds[0], 'commit'), one(traceIds[1], 'commit')];
    expect([lead.parentSpanId, other.parentSpanId]).toEqual([first.spanId, second.spanId]);
    expect(lead.attributes['aerie.group.size']).toBe(5);
    expect(lead.links).toMatchObject([{ traceId: traceIds[1], spanId: second.spanId }]);
    expect(other.links).toMatchObject([{ traceId: traceIds[0], spanId: lead.spanId }]);
    expect(one(traceIds[0], 'INSERT game_events').parentSpanId).toBe(lead.spanId);
    for (const traceId of traceIds.slice(0, 2)) {
      const { failed, attributes } = one(traceId, 'fail');
      expect([failed, attributes['error.type']]).toEqual([true, 'TypeError']);
    }
    expect(JSON.stringify(receiver.spans)).not.toContain('secret');
    expect(receiver.headers.at(-1)).toMatchObject({ 'x-key': 'abc', path: '/v1/traces' });
    expect(counted).toEqual({ sent: receiver.spans.length, failed: 0, dropped: 0 });
  });

  test('a group of which nothing is recorded runs as it would without', async () => {
    const { tracing } = await openAt(receiver.url);
    const traces = [{ traceId: traceIds[2] }];
    const work = async () => currentContext();
    expect(await tracing.group({ name: 'commit', kind: 'internal', traces, work })).toBeUndefined();
    await tracing.close();
    expect(receiver.of(traceIds[2])).toEqual([]);
  });

  test('what is done within a span is part of it, and one that nobody waits for any more ends all the same', async () => {
    const { tracing } = await openAt(receiver.url);
    const root = requestIn(tracing, traceIds[2]);
    const inner = () => inSpan('inner', 'internal', {}, async () => undefined);
    await runInContext({ traceId: root.traceId, span: root }, () => inSpan('outer', 'internal', {}, inner));
    root.end();
    await tracing.close();
    expect(one(traceIds[2], 'outer').parentSpanId).toBe(root.spanId);
    expect(one(traceIds[2], 'inner').parentSpanId).toBe(one(traceIds[2], 'outer').spanId);
  });

  test.each(['abc', '0'.repeat(32), 'F'.repeat(32)])(
    'a trace id of another form is not recorded: %s',
    async (traceId) => {
      const { tracing } = await openAt(receiver.url);
      expect(tracing.request('GET /', traceId, undefined)).toBeNull();
      await tracing.close();
    },
  );
});

describe('who decides whether a trace is recorded', () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const anybody = { traceparent: undefined, authorization: undefined, address: '192.0.2.7' };
  const parent = (flags: string, id = traceId) => ({ ...anybody, traceparent: `00-${id}-b7ad6b7169203331-${flags}` });
  const believed: readonly (readonly [string, Partial<CallersTrace>])[] = [
    ['a process of ours', { authorization: `Bearer ${secret}` }],
    ['a proxy that is named', { address: '10.1.2.3' }],
    ['a proxy that is named, over IPv6', { address: '::ffff:10.1.2.3' }],
  ];
  const strangers: readonly (readonly [string, Partial<CallersTrace>])[] = [
    ['anybody', {}],
    ['another secret', { authorization: 'Bearer the-secret-between-the-processes-of-another' }],
    ['a secret that is not borne', { authorization: secret }],
    ['nobody at an address', { address: undefined }],
  ];
  const isRecorded = async (ratio: number, told: CallersTrace | undefined, parentBased = true, id = traceId) => {
    const { tracing } = await openAt('http://127.0.0.1:1', { ratio, parentBased });
    const span = tracing.request('GET /', id, told);
    await tracing.close();
    return span !== null;
  };

  test.each(believed)('%s says yes, whatever the share is', async (_name, who) => {
    expect(await isRecorded(0, { ...parent('01'), ...who })).toBe(true);
    expect(await isRecorded(0, { ...parent('00'), ...who })).toBe(false);
    expect(await isRecorded(0, { ...parent('01'), ...who, traceparent: undefined })).toBe(false);
  });

  test.each(strangers)('%s does not: the share decides', async (_name, who) => {
    expect(await isRecorded(0, { ...parent('01'), ...who })).toBe(false);
    expect(await isRecorded(1, { ...parent('01'), ...who })).toBe(true);
  });

  test('anybody says no', async () => expect(await isRecorded(1, parent('00'))).toBe(false));

  test('an id that was chosen makes no difference, unless the sampler goes by ids alone', async () => {
    const chosen = `${'a'.repeat(24)}00000000`;
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
    try {
      for (const told of [undefined, parent('01', chosen)]) {
        expect(await isRecorded(0.4, told, true, chosen)).toBe(false);
        expect(await isRecorded(0.6, told, true, chosen)).toBe(true);
        expect(await isRecorded(0.4, told, false, chosen)).toBe(true);
      }
    } finally {
      random.mockRestore();
    }
    expect(await isRecorded(0.4, parent('01', 'f'.repeat(32)), false, 'f'.repeat(32))).toBe(false);
  });
});

describe('a receiver that is no help', () => {
  let server: Server;
  let url: string;
  let waiting: ServerResponse[] = [];
  let received = 0;
  let holds = true;
  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (part) => {
        text += part;
      });
      request.on('end', () => {
        received += text.split('"spanId"').length - 1;
        if (holds) waiting.push(response);
        else response.end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test('one that is silent: no more than a bound is kept', async () => {
    const { tracing, told } = await openAt(url);
    for (let i = 0; i < 20_000; i += 1) requestIn(tracing, traceIds[0]).end();
    await eventually(async () => expect(waiting.length).toBeGreaterThan(0));
    for (let i = 0; i < 20_000; i += 1) requestIn(tracing, traceIds[0]).end();
    holds = false;
    for (const response of waiting) response.end('{}');
    waiting = [];
    await tracing.close();
    // Those on their way, and those that wait.
    expect(received).toBeGreaterThanOrEqual(512);
    expect(received).toBeLessThanOrEqual(2048);
    expect(counted.dropped).toBe(40_000 - received);
    expect(told.filter((line) => line === 'traces_not_sent')).toHaveLength(1);
  });

  test('one that is gone: one line is logged, however often it is asked', async () => {
    const { tracing, told } = await openAt('http://127.0.0.1:1');
    counted.failed = 0;
    for (let round = 1; round <= 3; round += 1) {
      for (let i = 0; i < 600; i += 1) requestIn(tracing, traceIds[0]).end();
      await eventually(async () => expect(counted.failed).toBeGreaterThanOrEqual(round * 512));
    }
    await tracing.close();
    expect(told.filter((line) => line === 'traces_not_sent')).toHaveLength(1);
  });
});
