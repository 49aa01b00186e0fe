import { randomBytes, randomUUID } from 'node:crypto';
import type { Context, Link, SpanKind as OtelKind, Span as OtelSpan, Tracer } from '@opentelemetry/api';
import type { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import type { PinoLogger } from 'nestjs-pino';
import { Seldom } from '../async/seldom';
import { within } from '../async/within';
import type { TracingConfig } from '../config/config';
import { kindOfError } from '../tracing/in-span';
import { currentContext, outsideRequests, runInContext } from '../tracing/request-context';
import { type Attributes, Span, type SpanKind } from '../tracing/span';
import type { Trace } from '../tracing/trace';
import { isTraceId, parentIn } from '../tracing/trace-id';
import { type GroupWork, Tracing } from '../tracing/tracing';
import { BoundedProcessor } from './bounded.processor';
import { TellingExporter } from './telling-exporter';

type Api = typeof import('@opentelemetry/api');

/** What becomes of a span that has ended. */
export type SpanFate = 'sent' | 'failed' | 'dropped';

/** A span that is recorded, by what other processes know of it. */
type Recorded = Trace & { readonly spanId: string };

// About 4 MB of ended spans that wait; what comes beyond is not recorded.
const maxQueued = 2048;
const maxSent = 512;
const sendEveryMs = 1000;
const sendLimitMs = 5000;
const closeLimitMs = 1000;
const tellEveryMs = 60_000;
const maxLinks = 128;

/** A random number of 32 bits for the root's decision is there already: the end of its trace id. */
const idRange = 2 ** 32;

/** Gives a root the trace id that its request has. */
class OwnIds {
  next = '';

  generateTraceId(): string {
    return this.next;
  }

  generateSpanId(): string {
    return randomBytes(8).toString('hex');
  }
}

/**
 * Spans by OpenTelemetry's SDK, sent in the background as OTLP over HTTP. Whether a trace is recorded is decided before any
 * span is made, and without the SDK: of a hundred requests ninety-nine pay for a comparison.
 */
export class OtelTracing extends Tracing {
  private constructor(
    private readonly config: TracingConfig,
    private readonly api: Api,
    private readonly provider: BasicTracerProvider,
    private readonly ids: OwnIds,
    private readonly tell: (error: unknown) => void,
  ) {
    super();
  }

  /** Loads the SDK. The receiver need not be there. */
  static async open(config: TracingConfig, logger: PinoLogger, count: (status: SpanFate, spans: number) => void) {
    const api = await import('@opentelemetry/api');
    const { AlwaysOnSampler, BasicTracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
    const { resourceFromAttributes } = await import('@opentelemetry/resources');
    const { url, headers, resource } = config;
    const sender = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: sendLimitMs });
    const seldom = new Seldom(tellEveryMs);
    const tell = (err: unknown): void => {
      // The timer that sends was set in the context of whichever request came first.
      if (seldom.now()) outsideRequests(() => logger.warn({ err }, 'traces_not_sent'));
    };
    const exporter = new TellingExporter(sender, (spans, error) => {
      processor.left(spans);
      count(error ? 'failed' : 'sent', spans);
      if (error) tell(error);
    });
    const batches = new BatchSpanProcessor(exporter, {
      // The bound is the other one's.
      maxQueueSize: 2 * maxQueued,
      maxExportBatchSize: maxSent,
      scheduledDelayMillis: sendEveryMs,
      exportTimeoutMillis: sendLimitMs,
    });
    const processor = new BoundedProcessor(batches, maxQueued, () => {
      count('dropped', 1);
      tell(new Error('The receiver of traces does not keep up'));
    });
    const ids = new OwnIds();
    const provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.instance.id': randomUUID(), ...resource }),
      // What is not to be recorded never comes here.
      sampler: new AlwaysOnSampler(),
      idGenerator: ids,
      spanProcessors: [processor],
    });
    return new OtelTracing(config, api, provider, ids, tell);
  }

  override request(name: string, traceId: string, traceparent: unknown, attributes: Attributes = {}): Span | null {
    if (!isTraceId(traceId)) return null;
    const parent = parentIn(traceparent);
    if (!this.isRecorded(traceId, parent?.recorded)) return null;
    const context = parent ? this.within({ traceId, spanId: parent.spanId }) : this.api.ROOT_CONTEXT;
    this.ids.next = traceId;
    return this.begin(name, 'server', attributes, context);
  }

  override async group<T>({ name, kind, traces, attributes = {}, work }: GroupWork<T>): Promise<T> {
    const [first, ...others] = distinct(traces);
    if (!first) return work();
    const links = others.slice(0, maxLinks).map((trace) => this.linkTo(trace));
    const lead = this.begin(
      name,
      kind,
      { ...attributes, 'aerie.group.size': traces.length },
      this.within(first),
      links,
    );
    const link = [this.linkTo(lead)];
    const spans = [
      lead,
      ...others.slice(0, maxLinks).map((trace) => this.begin(name, kind, attributes, this.within(trace), link)),
    ];
    try {
      const result = await runInContext({ ...currentContext(), traceId: lead.traceId, span: lead }, work);
      for (const span of spans) span.end();
      return result;
    } catch (error) {
      for (const span of spans) span.end(kindOfError(error));
      throw error;
    }
  }

  override async close(): Promise<void> {
    try {
      await within(this.provider.shutdown(), closeLimitMs);
    } catch (error) {
      this.tell(error);
    }
  }

  /** A parent decides, where the sampler minds it; else the last bits of the trace id, which are random. */
  private isRecorded(traceId: string, byParent: boolean | undefined): boolean {
    const { ratio, parentBased } = this.config;
    if (parentBased && byParent !== undefined) return byParent;
    return Number.parseInt(traceId.slice(-8), 16) < ratio * idRange;
  }

  private begin(
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    context: Context,
    links: Link[] = [],
  ): OtelBackedSpan {
    const span = this.tracer.startSpan(name, { kind: kinds(this.api)[kind], attributes, links }, context);
    return new OtelBackedSpan(span, this.api, this.tracer);
  }

  private get tracer(): Tracer {
    return this.provider.getTracer('aerie');
  }

  private within({ traceId, spanId }: Recorded): Context {
    const { trace, ROOT_CONTEXT, TraceFlags } = this.api;
    return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
  }

  private linkTo({ traceId, spanId }: Recorded): Link {
    return { context: { traceId, spanId, traceFlags: this.api.TraceFlags.SAMPLED } };
  }
}

class OtelBackedSpan extends Span {
  readonly traceId: string;
  readonly spanId: string;

  constructor(
    private readonly span: OtelSpan,
    private readonly api: Api,
    private readonly tracer: Tracer,
  ) {
    super();
    const { traceId, spanId } = span.spanContext();
    this.traceId = traceId;
    this.spanId = spanId;
  }

  override child(name: string, kind: SpanKind, attributes: Attributes = {}): Span {
    const { trace, ROOT_CONTEXT } = this.api;
    const context = trace.setSpan(ROOT_CONTEXT, this.span);
    const span = this.tracer.startSpan(name, { kind: kinds(this.api)[kind], attributes }, context);
    return new OtelBackedSpan(span, this.api, this.tracer);
  }

  override end(error?: string, attributes?: Attributes): void {
    if (attributes) this.span.setAttributes(attributes);
    if (error !== undefined) {
      this.span.setAttribute('error.type', error);
      this.span.setStatus({ code: this.api.SpanStatusCode.ERROR });
    }
    this.span.end();
  }
}

function kinds({ SpanKind: kind }: Api): Readonly<Record<SpanKind, OtelKind>> {
  return {
    server: kind.SERVER,
    client: kind.CLIENT,
    producer: kind.PRODUCER,
    consumer: kind.CONSUMER,
    internal: kind.INTERNAL,
  };
}

/** Those that are recorded, each once. */
function distinct(traces: readonly Partial<Trace>[]): Recorded[] {
  const found = new Map<string, Recorded>();
  for (const { traceId, spanId } of traces)
    if (traceId !== undefined && spanId !== undefined) found.set(spanId, { traceId, spanId });
  return [...found.values()];
}
