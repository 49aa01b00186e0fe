import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { type AppProcess, startApp } from '../support/app';
import { everyDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { startRedis } from '../support/redis';
import { eventBody, signed } from '../support/signed';
import { environmentOf, eventsAlone, placedFreely, sharedEnvironment } from '../support/split';
import { GrpcWire, HttpWire } from '../support/wires';
import { type PrintedSpan, type Rotel, startRotel } from './rotel';

// SPEC 9, tracing, on a collector of somebody else's: what Aerie sends is OTLP, and what the collector prints of an event is one
// connected trace through both consumers. TEST_ROTEL is its program.

const parentSpan = 'b7ad6b7169203331';
const wires = ['http', 'grpc'] as const;
let rotel: Rotel;
beforeAll(async () => {
  rotel = await startRotel(process.env.TEST_ROTEL ?? '');
});
afterAll(() => rotel[Symbol.asyncDispose]());

let count = 0;
function newTrace(): string {
  count += 1;
  return `5cf92f3577b34da6a3ce${count.toString(16).padStart(12, '0')}`;
}

/** Sends a signed event, and answers what the collector has printed once both consumers are there. */
async function traceOf(app: AppProcess, wire: (typeof wires)[number]): Promise<PrintedSpan[]> {
  const traceId = newTrace();
  const client = wire === 'http' ? new HttpWire(app.url) : new GrpcWire(app.grpcUrl.replace('grpc://', ''));
  const headers = { traceparent: `00-${traceId}-${parentSpan}-01` };
  const body = eventBody({ playerId: 'ada', occurredAt: new Date().toISOString(), payload: { deltaXp: 1 } });
  expect((await client.call(gateway, 'ingest', signed(`printed-${traceId}`, body), headers)).code).toBe('ok');
  if (client instanceof GrpcWire) client.close();
  const applied = (): PrintedSpan[] => rotel.of(traceId).filter(({ kind }) => kind === 'SPAN_KIND_CONSUMER');
  await eventually(async () => {
    // One may have tried twice.
    expect([...new Set(applied().map(({ consumer }) => consumer))].sort()).toEqual(['leaderboard', 'progression']);
    expect(unconnected(rotel.of(traceId))).toEqual([]);
  });
  return rotel.of(traceId);
}

/** Spans whose parent was not printed. */
function unconnected(spans: readonly PrintedSpan[]): PrintedSpan[] {
  const known = new Set([parentSpan, ...spans.map(({ id }) => id)]);
  return spans.filter(({ parentId }) => !known.has(parentId));
}

function expectWhole(spans: readonly PrintedSpan[], wire: (typeof wires)[number]): void {
  const roots = spans.filter(({ parentId }) => parentId === parentSpan);
  expect(roots.map(({ name, kind }) => [name, kind])).toEqual([
    [wire === 'http' ? 'POST /events' : 'aerie.events_gateway.v1.EventsGatewayService/Ingest', 'SPAN_KIND_SERVER'],
  ]);
  const names = spans.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['commit events', 'INSERT game_events', 'publish accepted-events']));
}

function told(name: string, spans: readonly PrintedSpan[]): void {
  const processes = new Set(spans.map(({ instance }) => instance)).size;
  process.stdout.write(`     ${name}: ${spans.length} spans of ${processes} processes, one trace\n`);
}

describe('one process', () => {
  let app: AppProcess;
  beforeAll(async () => {
    app = await startApp({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: rotel.url, OTEL_TRACES_SAMPLER_ARG: '1' } });
  });
  afterAll(() => app[Symbol.asyncDispose]());

  test.each(wires)('an event over %s is one trace through both consumers', async (wire) => {
    const spans = await traceOf(app, wire);
    expectWhole(spans, wire);
    expect(new Set(spans.map(({ instance }) => instance)).size).toBe(1);
    told(wire, spans);
  });
});

describe('four processes, over Redis', () => {
  const apps: AppProcess[] = [];
  const servers: AsyncDisposable[] = [];
  beforeAll(async () => {
    const postgres = everyDatabase.find(({ name }) => name === 'postgres') as (typeof everyDatabase)[number];
    const [database, redis] = [await postgres.create(), await startRedis()];
    servers.push(database, redis);
    const placed = await placedFreely(eventsAlone);
    const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: rotel.url, OTEL_TRACES_SAMPLER_ARG: '1' };
    const shared = { ...sharedEnvironment(database.url, redis.url), ...tracing };
    for (const one of placed)
      apps.push(await startApp({ databaseUrl: database.url, env: { ...shared, ...environmentOf(one, placed) } }));
    // Whoever was started first has not found the others yet.
    for (const { url } of apps)
      await eventually(async () => {
        const { checks } = (await (await fetch(`${url}/health/ready`)).json()) as {
          readonly checks: Readonly<Record<string, { readonly status: string }>>;
        };
        expect(Object.values(checks).filter(({ status }) => status !== 'healthy')).toEqual([]);
      });
  });
  afterAll(async () => {
    for (const one of [...apps, ...servers]) await one[Symbol.asyncDispose]();
  });

  test.each(wires)('an event over %s is one trace through all of them', async (wire) => {
    const spans = await traceOf(apps[0] as AppProcess, wire);
    expectWhole(spans, wire);
    expect(new Set(spans.map(({ instance }) => instance)).size).toBe(4);
    told(`${wire}, split`, spans);
  });
});
