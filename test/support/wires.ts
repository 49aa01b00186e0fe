import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { request } from 'undici';
import { type RunningApp, startApp } from '../../src/app';
import { features } from '../../src/features/index';
import type { SignedMessage } from '../../src/generated/aerie/events_gateway/v1/events_gateway';
import { loadConfig, type RawEnvironment } from '../../src/shared/config/load-config';
import { type AnyContract, isInQuery } from '../../src/shared/contract/contract';
import { fromGrpcError } from '../../src/shared/contract/grpc.status';
import { loaderOptions, protoFile } from '../../src/shared/contract/proto';
import { refuseNobody } from './fairness';

/** What came of a call, in words that both wires share. */
export interface Outcome {
  /** `ok`, or the error's code. */
  readonly code: string;
  /** HTTP status, or the gRPC code's number. */
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly fields: readonly string[];
  readonly replayed: boolean;
  readonly retryAfter: boolean;
}

export interface Wire {
  readonly name: 'http' | 'grpc';
  call(contract: AnyContract, method: string, message: object, headers?: Record<string, string>): Promise<Outcome>;
}

export interface TestApp extends AsyncDisposable {
  readonly url: string;
  readonly grpcAddress: string;
  /** Of the features' own listeners, by their names. */
  readonly ports: Readonly<Record<string, number>>;
  readonly http: HttpWire;
  readonly grpc: GrpcWire;
}

/** `fairness: 'off'`: the rules that refuse events are turned off, for tests that send more, or larger ones, than a player may. */
export interface OpenOptions {
  readonly fairness?: 'off';
}

/** The application in this process, on free ports, with both wires to it. */
export async function openApp(
  databaseUrl: string,
  environment: RawEnvironment = {},
  options: OpenOptions = {},
): Promise<TestApp> {
  const base = {
    DATABASE_URL: databaseUrl,
    HTTP_PORT: '0',
    GRPC_PORT: '0',
    CHAT_PORT: '0',
    LOG_LEVEL: 'fatal',
    SHUTDOWN_DRAIN_MS: '0',
  };
  const app: RunningApp = await startApp(loadConfig({ ...base, ...environment }, features));
  const url = `http://127.0.0.1:${app.http.port}`;
  if (options.fairness === 'off') await refuseNobody(url, environment.INTERNAL_API_SECRET?.split(',')[0]);
  const grpcAddress = `127.0.0.1:${app.grpcPort}`;
  const grpc = new GrpcWire(grpcAddress);
  const close = async (): Promise<void> => {
    grpc.close();
    await app.stop();
  };
  return { url, grpcAddress, ports: app.ports, http: new HttpWire(url), grpc, [Symbol.asyncDispose]: close };
}

export class HttpWire implements Wire {
  readonly name = 'http';

  constructor(readonly url: string) {}

  async call(
    contract: AnyContract,
    method: string,
    message: object,
    headers: Record<string, string> = {},
  ): Promise<Outcome> {
    const route = contract.routes[method];
    if (!route) throw new Error(`${method} has no route`);
    const [verb = '', template = ''] = route.http.split(' ');
    if (route.signed) {
      const signed = message as SignedMessage & { readonly provider?: string };
      return this.send(
        verb,
        // Who has signed it, where several may.
        template.replace(':provider', signed.provider ?? ''),
        { 'content-type': 'application/json', ...signedHeaders(signed), ...headers },
        signed.body,
      );
    }
    const rest: Record<string, unknown> = { ...message };
    const path = template.replace(/:(\w+)/g, (_all, name: string) => {
      const value = String(rest[name]);
      delete rest[name];
      return encodeURIComponent(value);
    });
    if (isInQuery(route))
      return this.send(verb, `${path}?${new URLSearchParams(rest as Record<string, string>)}`, headers);
    return this.send(verb, path, { 'content-type': 'application/json', ...headers }, JSON.stringify(rest));
  }

  async send(method: string, path: string, headers: Record<string, string>, body?: string | Buffer): Promise<Outcome> {
    const answer = await request(this.url + path, { method: method as 'GET', headers, body: body ?? null });
    const text = await answer.body.text();
    const parsed = JSON.parse(text === '' ? '{}' : text) as Record<string, unknown>;
    const details = parsed.details as { fields?: { field: string }[] } | undefined;
    return {
      code: answer.statusCode < 300 ? 'ok' : String(parsed.code),
      status: answer.statusCode,
      body: answer.statusCode < 300 ? parsed : { message: parsed.message },
      fields: (details?.fields ?? []).map(({ field }) => field),
      replayed: answer.headers['idempotent-replayed'] === 'true',
      retryAfter: answer.headers['retry-after'] !== undefined,
    };
  }
}

export function signedHeaders({ id, timestamp, keyId, signatures }: SignedMessage): Record<string, string> {
  if (signatures.some((signature) => signature.startsWith('v1,'))) {
    const extra: Record<string, string> =
      signatures.every((one) => one.startsWith('v1,')) && keyId === '' ? {} : { 'x-signature': 't=1,v1=00' };
    return {
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatures.join(' '),
      ...extra,
    };
  }
  const parts = [`t=${timestamp}`, ...(keyId === '' ? [] : [`kid=${keyId}`]), ...signatures.map((one) => `v1=${one}`)];
  const header: Record<string, string> = signatures.length === 0 ? {} : { 'x-signature': parts.join(',') };
  return id === '' ? header : { ...header, 'idempotency-key': id };
}

export class GrpcWire implements Wire {
  readonly name = 'grpc';
  readonly client: Client;
  private readonly definitions = new Map<string, ServiceDefinition>();

  constructor(address: string) {
    this.client = new Client(address, credentials.createInsecure());
  }

  call(contract: AnyContract, method: string, message: object, headers: Record<string, string> = {}): Promise<Outcome> {
    const definition = this.method(contract, method);
    return this.send(definition, definition.requestSerialize(message), headers);
  }

  /** Sends these very bytes, whether or not they are the message. */
  send(
    definition: MethodDefinition<object, object>,
    bytes: Buffer,
    headers: Record<string, string> = {},
  ): Promise<Outcome> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const identity = (raw: Buffer): Buffer => raw;
    const { path, responseDeserialize } = definition;
    return new Promise((resolve) => {
      let answered: Outcome | undefined;
      const call = this.client.makeUnaryRequest(
        path,
        identity,
        responseDeserialize,
        bytes,
        metadata,
        (error, answer) => {
          answered = error ? failure(error) : success(answer as Record<string, unknown>);
        },
      );
      // The status comes last and brings the trailers.
      call.on('status', ({ metadata: trailers }) => {
        setImmediate(() =>
          resolve({ ...(answered as Outcome), replayed: trailers.get('idempotent-replayed')[0] === 'true' }),
        );
      });
    });
  }

  method(contract: AnyContract, method: string): MethodDefinition<object, object> {
    const name = `${contract.proto.package}.${contract.proto.service}`;
    const definition =
      this.definitions.get(name) ?? (loadSync(protoFile(contract), loaderOptions)[name] as ServiceDefinition);
    this.definitions.set(name, definition);
    return definition[`${method.charAt(0).toUpperCase()}${method.slice(1)}`] as MethodDefinition<object, object>;
  }

  close(): void {
    this.client.close();
  }
}

function success(body: Record<string, unknown>): Outcome {
  return {
    code: 'ok',
    status: 0,
    body,
    fields: [],
    replayed: false,
    retryAfter: false,
  };
}

function failure(error: ServiceError): Outcome {
  const ours = fromGrpcError(error);
  return {
    code: ours?.code ?? `grpc ${error.code} ${error.details}`,
    status: error.code,
    body: { message: error.details },
    fields: (ours?.details.fields ?? []).map(({ field }) => field),
    replayed: false,
    retryAfter: ours?.details.retryAfterMs !== undefined,
  };
}
