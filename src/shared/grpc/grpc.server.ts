import { readFileSync } from 'node:fs';
import type { Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import type { PackageDefinition, ServiceDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { type GrpcOptions, ServerGrpc } from '@nestjs/microservices';
import { FileDescriptorProto, FileDescriptorSet, type IFileDescriptorSet } from 'protobufjs/ext/descriptor';
import type { Config } from '../config/config';
import type { AnyContract } from '../contract/contract';
import { loaderOptions, protoFile, protoRoot } from '../contract/proto';
import { undecodable } from '../contract/validation.pipe';
import type { GrpcConnections } from './grpc.connections';
import { addExchange } from './grpc.exchange';
import { grpcInterceptor, type InterceptorParts } from './grpc.interceptor';
import type { GrpcMetrics } from './grpc.metrics';

const maxMessageBytes = 288 * 1024;
const maxSessionMegabytes = 16;
const lookMs = 20;

export interface GrpcParts extends InterceptorParts {
  readonly connections: GrpcConnections;
  /** Adds services that are not features: health and reflection. */
  readonly extend: (server: Server) => void;
}

/** The gRPC server of all features of this process, with the limits of every call and connection. */
export class GrpcServer extends ServerGrpc {
  private isCut = false;

  constructor(
    config: Config,
    private readonly parts: GrpcParts,
  ) {
    super(grpcOptions(config, parts));
  }

  /** Where it listens. */
  get port(): number {
    const [listener] = this.listeners;
    return (listener?.address() as AddressInfo | undefined)?.port ?? 0;
  }

  override async createClient(): Promise<Server> {
    const server: Server = await super.createClient();
    this.grpcClient = server;
    for (const listener of this.listeners) this.parts.connections.watch(listener);
    return server;
  }

  /** Cuts every call and connection that is left. */
  cut(): void {
    (this.grpcClient as Server | null)?.forceShutdown();
    this.isCut = true;
  }

  /** Resolves when every call has ended, or was cut: grpc-js alone would wait for peers that never say a word. */
  override async close(): Promise<void> {
    const server = this.grpcClient as Server | null;
    if (!server) return;
    let ended = false;
    server.tryShutdown(() => {
      ended = true;
    });
    while (!ended && !this.isCut && this.parts.connections.busy) await sleep(lookMs);
    server.forceShutdown();
    this.grpcClient = null;
  }

  /** grpc-js has no door to its listeners; without them connections have no limits, so their absence is an error. */
  private get listeners(): Http2Server[] {
    const { http2Servers } = this.grpcClient as { http2Servers?: ReadonlyMap<Http2Server, unknown> };
    if (!http2Servers?.size) throw new Error('This version of grpc-js hides its listeners');
    return [...http2Servers.keys()];
  }
}

function grpcOptions(config: Config, parts: GrpcParts): GrpcOptions['options'] {
  const contracts = parts.routes.contracts.map(({ contract }) => contract);
  return {
    url: `${config.http.host.includes(':') ? `[${config.http.host}]` : config.http.host}:${config.grpc.port}`,
    package: contracts.map((contract) => contract.proto.package),
    protoPath: contracts.map(protoFile),
    loader: loaderOptions as object,
    credentials: credentials(config, parts.metrics),
    gracefulShutdown: true,
    maxReceiveMessageLength: maxMessageBytes,
    keepalive: { keepaliveTimeMs: 30_000, keepaliveTimeoutMs: 10_000 },
    channelOptions: {
      'grpc.max_concurrent_streams': 100,
      // Idle connections are closed after an hour; callers reconnect by themselves.
      'grpc.max_connection_idle_ms': 3_600_000,
      // Megabytes; grpc-js takes any number of them unless told.
      'grpc-node.max_session_memory': maxSessionMegabytes,
      interceptors: [grpcInterceptor(parts)],
    } as object,
    onLoadPackageDefinition: (packages: PackageDefinition, server: Server) => {
      for (const definition of Object.values(packages)) if (!('format' in definition)) keepUndecodable(definition);
      addExchange(server, parts);
      parts.extend(server);
    },
  };
}

/**
 * Lets tools such as grpcurl and ghz ask which services there are, from buf's descriptors: proto-loader's have relative names
 * of types, no imports and fields in lower camel case, which those tools refuse.
 */
export function addReflection(server: Server, contracts: readonly AnyContract[]): void {
  const set = FileDescriptorSet.decode(readFileSync(join(protoRoot, 'descriptors.binpb')));
  const { file: described } = set as unknown as IFileDescriptorSet;
  const files = described.map((file) => Buffer.from(FileDescriptorProto.encode(file).finish()));
  const named = contracts.map(({ proto }) => `${proto.package}.${proto.service}`);
  const definition = { files: { fileDescriptorProtos: files } } as unknown as PackageDefinition;
  new ReflectionService(definition, { services: [...named, 'grpc.health.v1.Health'] }).addToServer(server);
}

function credentials(config: Config, metrics: GrpcMetrics): ServerCredentials {
  const { tls } = config.grpc;
  if (!tls) return ServerCredentials.createInsecure();
  const pair = { cert_chain: readFileSync(tls.cert), private_key: readFileSync(tls.key) };
  metrics.shows(pair.cert_chain);
  return ServerCredentials.createSsl(tls.ca === undefined ? null : readFileSync(tls.ca), [pair], tls.ca !== undefined);
}

/** Bytes that are no such message reach the validation pipe, which names the error; grpc-js would say INTERNAL. */
function keepUndecodable(definition: ServiceDefinition): void {
  for (const method of Object.values(definition)) {
    const decode = method.requestDeserialize;
    method.requestDeserialize = (bytes: Buffer): object => {
      try {
        return decode(bytes);
      } catch {
        return undecodable;
      }
    };
  }
}
