import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OtelTracing, type SpanFate } from '../../../src/shared/otel/otel.tracing';
import { inSpan } from '../../../src/shared/tracing/in-span';
import { currentContext, runInContext } from '../../../src/shared/tracing/request-context';
import type { Span } from '../../../src/shared/tracing/span';
import { eventually } from '../../support/eventually';
import { type ReceivedSpan, type Receiver, startReceiver } from '../../support/otlp';
import { recordingLogger } from '../../support/recording-logger';

const traceIds = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [string, string, string];
const counted: Record<SpanFate, number> = { sent: 0, failed: 0, dropped: 0 };

async function openAt(url: string) {
  const { logger, told } = recordingLogger();
  const config = { url: `${url}/v1/traces`, headers: { 'x-key': 'abc' }, ratio: 1, parentBased: true, resource: {} };
  const tracing = await OtelTracing.open(config, logger, (status, spans) => {
    counted[status] += spans;
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
