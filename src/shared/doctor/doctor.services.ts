import type { Config, Neighbour } from '../config/config';
import { AppError } from '../errors/app-error';
import { toAppError } from '../errors/to-app-error';
import { type Finding, Patient } from '../findings/finding';
import { scrub } from '../logging/redaction';
import { processesContract } from '../processes/processes.api';
import { grpcClient, grpcTls } from '../remote/grpc.client';
import { httpClient } from '../remote/http.client';

const askMs = 3000;

/** Looks at what else this process talks to: lock service, receiver of traces, features elsewhere. */
export async function lookAtServices(config: Config): Promise<Finding[]> {
  const { lock, tracing, neighbours } = config;
  const etcd = lock.type === 'etcd' ? lock.etcdEndpoints.map((endpoint) => lookAtEtcd(endpoint)) : [];
  const receiver = tracing ? [lookAtReceiver(tracing.url, tracing.headers)] : [];
  const others = neighbours.map((neighbour) => lookAtNeighbour(config, neighbour));
  return (await Promise.all([...etcd, ...receiver, ...others])).flat();
}

async function lookAtEtcd(endpoint: string): Promise<Finding[]> {
  const patient = new Patient('lock service', endpoint);
  try {
    const began = performance.now();
    const answer = await fetch(new URL('/version', endpoint), { signal: AbortSignal.timeout(askMs) });
    const latencyMs = performance.now() - began;
    const { etcdserver } = (await answer.json()) as { readonly etcdserver?: string };
    const health = await fetch(new URL('/health', endpoint), { signal: AbortSignal.timeout(askMs) });
    const { health: isWell, reason } = (await health.json()) as { readonly health?: string; readonly reason?: string };
    patient.well(undefined, { version: etcdserver, latencyMs });
    if (isWell !== 'true')
      patient.fail(
        `it says that it is not well: ${reason || 'no reason'}`,
        'etcdctl endpoint status, etcdctl alarm list',
      );
  } catch (error) {
    patient.fail(
      `does not answer: ${reasonOf(error)}`,
      'Start etcd, or name its endpoints in ETCD_ENDPOINTS: without it what is locked answers 503.',
    );
  }
  return patient.findings;
}

async function lookAtReceiver(url: string, headers: Readonly<Record<string, string>>): Promise<Finding[]> {
  const patient = new Patient('traces', url);
  const remedy = 'Start the collector, or set OTEL_TRACES_EXPORTER=none: Aerie works without it.';
  try {
    const began = performance.now();
    const { status } = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ resourceSpans: [] }),
      signal: AbortSignal.timeout(askMs),
    });
    if (status < 300) patient.well(undefined, { latencyMs: performance.now() - began });
    else
      patient.warn(
        `refuses traces with ${status}`,
        'It must take OTLP over HTTP in JSON; OTEL_EXPORTER_OTLP_HEADERS may hold its key.',
      );
  } catch (error) {
    patient.warn(`does not answer: ${reasonOf(error)}`, remedy);
  }
  return patient.findings;
}

async function lookAtNeighbour(config: Config, { address, features }: Neighbour): Promise<Finding[]> {
  const patient = new Patient('feature elsewhere', `${address} (${features.join(', ')})`);
  const bearer = config.internalSecrets[0]?.toString('utf8');
  const options = { deadlineMs: askMs, tls: () => grpcTls(config.grpc), ...(bearer !== undefined && { bearer }) };
  const client = address.startsWith('grpc')
    ? grpcClient(processesContract, address, options)
    : httpClient(processesContract, address, options);
  try {
    const began = performance.now();
    const { version, modules, exposes } = await client.getProcess({});
    patient.well(undefined, { version, latencyMs: performance.now() - began });
    const missing = features.filter((feature) => !modules.includes(feature) && !exposes.includes(feature));
    if (missing.length > 0)
      patient.fail(
        `no ${missing.join(', ')} there: it runs ${modules.join(', ')}`,
        'Give the feature its own address, or MODULES of that process.',
      );
    if (version !== config.version)
      patient.warn(
        `it is version ${version}, this one ${config.version}`,
        'Neighbouring versions work together; finish the upgrade.',
      );
  } catch (thrown) {
    notAsked(patient, toAppError(thrown));
  } finally {
    await client[Symbol.asyncDispose]();
  }
  return patient.findings;
}

function notAsked(patient: Patient, { kind, code, message }: AppError): void {
  if (kind === 'unauthenticated' || kind === 'forbidden')
    patient.fail(`refuses us: ${code}`, 'Give both processes one INTERNAL_API_SECRET.');
  else if (kind === 'unavailable' || kind === 'deadline')
    patient.fail(
      'does not answer',
      'Start that process, or correct its address; without it calls to the feature answer 503.',
    );
  else patient.fail(`answers something else: ${message}`, 'See that this is an address of Aerie, with the right wire.');
}

/** Of `fetch`: the reason is in the cause. What stands in its own message may be a value of a header. */
function reasonOf(error: unknown): string {
  const { cause, name } = error as Error & { readonly cause?: { readonly code?: string; readonly message?: string } };
  if (name === 'TimeoutError') return `no answer in ${askMs / 1000} s`;
  return cause?.code ?? scrub(cause?.message ?? name);
}
