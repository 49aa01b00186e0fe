import { readFileSync } from 'node:fs';
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  connectivityState,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ExchangeRequest, ExchangeResponse } from '../../generated/aerie/calls/v1/calls';
import type { Config } from '../config/config';
import { exchangeMethod } from '../contract/calls';
import type { AnyContract, CallMeta, Contract } from '../contract/contract';
import { fromGrpcError } from '../contract/grpc.status';
import { loaderOptions, protoFile } from '../contract/proto';
import { AppError } from '../errors/app-error';
import { deadlineExceeded, internal, unavailable } from '../errors/common.errors';
import { Exchange, NotExchanged } from './exchange';
import { type Remote, type RemoteOptions, remote, type Send, withFacts } from './remote';
import { traceHeaders } from './trace-headers';

const channelOptions = {
  // A server that is back must be found before anybody misses it; grpc-js waits up to two minutes.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.use_local_subchannel_pool': 1,
  // A name may have several addresses: calls take turns among those that answer. They are asked for again when one is
  // gone; a system that is started again has all others in less than the 30 s that grpc-js waits.
  'grpc.dns_min_time_between_resolutions_ms': 1000,
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
};

/** How this process shows itself to `grpcs` servers, and whom it believes. */
export function grpcTls({ tls }: Config['grpc']): ChannelCredentials {
  if (!tls) return credentials.createSsl();
  const ca = tls.ca === undefined ? null : readFileSync(tls.ca);
  return credentials.createSsl(ca, readFileSync(tls.key), readFileSync(tls.cert));
}

/** The calls of a contract over gRPC. `address`: `grpc://host:port`, or `grpcs://` for TLS. */
export function grpcClient<Api extends object>(
  contract: Contract<Api>,
  address: string,
  options: RemoteOptions = {},
): Remote<Api> {
  const channel = new GrpcChannel(contract, address, options);
  const send: Send = (method, _route, message, meta, ms) => channel.unary(method, message, meta, ms);
  return remote(contract, send, () => channel[Symbol.asyncDispose](), options);
}

/** One connection to a service, for its unary calls and its streams. Methods are named as in the contract. */
export class GrpcChannel implements AsyncDisposable {
  private readonly client: Client;
  private readonly exchange = new Exchange(() => this.exchanges());
  private readonly methods: ServiceDefinition;
  private closed = false;

  constructor(
    contract: AnyContract,
    address: string,
    private readonly options: RemoteOptions = {},
  ) {
    const { protocol } = new URL(address);
    const security =
      protocol === 'grpcs:' ? (options.tls?.() ?? credentials.createSsl()) : credentials.createInsecure();
    const { target, identity } = targetOf(address, options.machine);
    this.client = new Client(target, security, { ...channelOptions, ...identity });
    const { package: packageName, service } = contract.proto;
    this.methods = loadSync(protoFile(contract), loaderOptions)[`${packageName}.${service}`] as ServiceDefinition;
  }

  /** True while nobody can be connected to; connecting goes on. */
  get gone(): boolean {
    return !this.closed && this.client.getChannel().getConnectivityState(true) === connectivityState.TRANSIENT_FAILURE;
  }

  /** One call, without retries, ended after `ms`. */
  unary(name: string, message: object, meta: CallMeta, ms: number): Promise<object> {
    const { path, requestSerialize, responseDeserialize } = this.method(name);
    const options = { deadline: Date.now() + Math.max(1, ms) };
    return new Promise((resolve, reject) => {
      let answer: object = {};
      this.client
        .makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          message,
          this.metadata(meta),
          options,
          (error, value) => {
            if (error) reject(fromServiceError(error));
            else answer = value ?? {};
          },
        )
        // Comes after the answer, with the trailers.
        .on('status', ({ metadata }) => resolve(this.answerOf(name, answer, metadata)));
    });
  }

  /** Asks the server how it is. Resolves when it says anything. @throws AppError unavailable, deadline_exceeded */
  probe(ms: number): Promise<void> {
    const nothing = Buffer.alloc(0);
    const bytes = (message: Buffer): Buffer => message;
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        bytes,
        bytes,
        nothing,
        { deadline: Date.now() + ms },
        (error) => {
          const isSilent = error?.code === status.UNAVAILABLE || error?.code === status.DEADLINE_EXCEEDED;
          if (isSilent) reject(fromServiceError(error));
          else resolve();
        },
      );
    });
  }

  /** As `unary`, in a group with other calls where the server can. */
  async grouped(name: string, message: object, meta: CallMeta, ms: number): Promise<object> {
    if (!this.exchange.usable) return this.unary(name, message, meta, ms);
    const began = performance.now();
    const { path, requestSerialize, responseDeserialize } = this.method(name);
    const call = { path, message: requestSerialize(message), metadata: this.headers(meta), ms };
    try {
      const answer = await this.exchange.call(call);
      return this.answerOf(name, responseDeserialize(answer.message), answer.trailers);
    } catch (error) {
      if (error instanceof NotExchanged) return this.unary(name, message, meta, ms - (performance.now() - began));
      throw error instanceof AppError ? error : fromServiceError(error as ServiceError);
    }
  }

  /** A stream both ways. Its 'error' is a ServiceError: `fromServiceError` makes it an AppError. */
  duplex<Request extends object, Answer extends object>(name: string): ClientDuplexStream<Request, Answer> {
    const { path, requestSerialize, responseDeserialize } = this.method(name);
    const decode = responseDeserialize as (bytes: Buffer) => Answer;
    return this.client.makeBidiStreamRequest<Request, Answer>(path, requestSerialize, decode, this.metadata());
  }

  /** A stream of answers to one message; `received` reads it. */
  serverStream<Answer extends object>(name: string, message: object): ClientReadableStream<Answer> {
    const { path, requestSerialize, responseDeserialize } = this.method(name);
    const decode = responseDeserialize as (bytes: Buffer) => Answer;
    return this.client.makeServerStreamRequest<object, Answer>(
      path,
      requestSerialize,
      decode,
      message,
      this.metadata(),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    this.exchange.close();
    this.client.close();
    return Promise.resolve();
  }

  private method(name: string): MethodDefinition<object, object> {
    return this.methods[`${name.charAt(0).toUpperCase()}${name.slice(1)}`] as MethodDefinition<object, object>;
  }

  private answerOf(name: string, answer: object, trailers: Metadata): object {
    return withFacts(answer, (key) => trailers.get(key)[0]?.toString(), this.options.replays?.(name) ?? 'effect');
  }

  private exchanges(): ClientDuplexStream<ExchangeRequest, ExchangeResponse> {
    const { path, requestSerialize, responseDeserialize } = exchangeMethod;
    return this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.secret(new Metadata()));
  }

  private metadata(meta: CallMeta = {}): Metadata {
    const metadata = this.secret(new Metadata());
    for (const [name, value] of Object.entries(this.headers(meta))) metadata.set(name, value);
    return metadata;
  }

  private secret(metadata: Metadata): Metadata {
    if (this.options.bearer !== undefined) metadata.set('authorization', `Bearer ${this.options.bearer}`);
    return metadata;
  }

  /** What travels beside a message: who calls, for which trace. */
  private headers(meta: CallMeta): Record<string, string> {
    const { idempotencyKey } = meta;
    return {
      ...this.options.headers?.(),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      ...traceHeaders(meta),
    };
  }
}

/** What grpc-js connects to, and as whom it knows the server. */
function targetOf(address: string, machine: string | undefined) {
  const { host, hostname, port } = new URL(address);
  if (machine === undefined) return { target: `dns:///${host}`, identity: {} };
  const target = machine.includes(':') ? `ipv6:[${machine}]:${port}` : `ipv4:${machine}:${port}`;
  return { target, identity: { 'grpc.default_authority': host, 'grpc.ssl_target_name_override': hostname } };
}

/** The messages of a stream; leaving the loop cancels the call. @throws AppError */
export async function* received<Answer extends object>(call: ClientReadableStream<Answer>): AsyncGenerator<Answer> {
  try {
    for await (const answer of call) yield answer as Answer;
  } catch (error) {
    throw fromServiceError(error as ServiceError);
  } finally {
    call.cancel();
  }
}

/** The error that the server sent, or what kept it from answering. */
export function fromServiceError(error: ServiceError): AppError {
  const sent = fromGrpcError(error);
  if (sent) return sent;
  if (error.code === status.UNAVAILABLE || error.code === status.CANCELLED) return unavailable(error);
  return error.code === status.DEADLINE_EXCEEDED ? deadlineExceeded(error) : internal(error);
}
