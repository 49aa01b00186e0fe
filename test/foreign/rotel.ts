import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import { freePort } from '../support/processes';

// rotel, a collector of OpenTelemetry's traces that is not ours: it takes OTLP and prints every span.

/** A span as rotel prints it. */
export interface PrintedSpan {
  readonly traceId: string;
  readonly parentId: string;
  readonly id: string;
  readonly name: string;
  /** `SPAN_KIND_SERVER`, ... */
  readonly kind: string;
  /** `service.instance.id` of the process. */
  readonly instance: string;
  /** `messaging.consumer.group.name`; empty: it is none of a consumer. */
  readonly consumer: string;
}

export interface Rotel extends AsyncDisposable {
  /** As OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  /** All that it has printed. */
  printed(): string;
  /** The spans of a trace among that, each once. */
  of(traceId: string): PrintedSpan[];
}

/** `program`: where it was installed. */
export async function startRotel(program: string): Promise<Rotel> {
  const folder = mkdtempSync(join(tmpdir(), 'aerie-rotel-'));
  const [http, grpc] = [await freePort(), await freePort()];
  const child = spawn(
    program,
    [
      ...['start', '--exporter', 'blackhole', '--debug-log', 'traces', '--debug-log-verbosity', 'detailed'],
      ...['--otlp-http-endpoint', `127.0.0.1:${http}`, '--otlp-grpc-endpoint', `127.0.0.1:${grpc}`],
    ],
    { cwd: folder, env: { PATH: process.env.PATH ?? '', NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
  const url = `http://127.0.0.1:${http}`;
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`rotel has ended: ${out}`);
    await (await fetch(url)).arrayBuffer();
  });
  return {
    url,
    printed: () => out,
    of: (traceId) => distinct(spansIn(out)).filter((span) => span.traceId === traceId),
    [Symbol.asyncDispose]: async () => {
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await closed;
}

function distinct(spans: readonly PrintedSpan[]): PrintedSpan[] {
  return [...new Map(spans.map((span) => [span.id, span])).values()];
}

const fields = { 'Trace ID': 'traceId', 'Parent ID': 'parentId', ID: 'id', Name: 'name', Kind: 'kind' } as const;

/** The lines of a resource come before those of its spans, each of which begins with its number. */
export function spansIn(printed: string): PrintedSpan[] {
  const spans: Record<keyof PrintedSpan, string>[] = [];
  let instance = '';
  for (const line of printed.split('\n')) {
    instance = /-> service\.instance\.id: (?:Str\()?([\w-]+)/.exec(line)?.[1] ?? instance;
    if (/^Span #\d+/.test(line))
      spans.push({ traceId: '', parentId: '', id: '', name: '', kind: '', instance, consumer: '' });
    const [, label, value = ''] = /^ *(Trace ID|Parent ID|ID|Name|Kind) *: ?(.*)$/.exec(line) ?? [];
    const span = spans.at(-1);
    const [, consumer] = /-> messaging\.consumer\.group\.name: (?:Str\()?([\w-]+)/.exec(line) ?? [];
    if (span && consumer !== undefined) span.consumer = consumer;
    if (span && label !== undefined) span[fields[label as keyof typeof fields]] = value.trim();
  }
  return spans;
}
