import { readFileSync } from 'node:fs';
import { type GrpcObject, type Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { type GrpcOptions, Transport } from '@nestjs/microservices';
import type { Config } from '../config/config';
import type { GrpcMetrics } from './grpc.metrics';
import { grpcInterceptor } from './grpc.interceptor';
import { loaderOptions, protoFile } from './proto';
import type { RouteTable } from './route-table';
import { undecodable } from './undecodable';

const maxMessageBytes = 288 * 1024;

export interface GrpcParts {
  readonly routes: RouteTable;
  readonly metrics: GrpcMetrics;
  /** Adds services that are not features: health and reflection. */
  readonly extend: (server: Server, packages: GrpcObject) => void;
}

/** The gRPC server of all features of this process, with the limits of every call. */
export function grpcOptions(config: Config, parts: GrpcParts): GrpcOptions {
  const contracts = parts.routes.contracts.map(({ contract }) => contract);
  return {
    transport: Transport.GRPC,
    options: {
      url: `${config.http.host.includes(':') ? `[${config.http.host}]` : config.http.host}:${config.grpc.port}`,
      package: contracts.map((contract) => contract.proto.package),
      protoPath: contracts.map(protoFile),
      loader: loaderOptions as object,
      credentials: credentials(config),
      gracefulShutdown: true,
      maxReceiveMessageLength: maxMessageBytes,
      keepalive: { keepaliveTimeMs: 30_000, keepaliveTimeoutMs: 10_000 },
      channelOptions: {
        'grpc.max_concurrent_streams': 100,
        // Idle connections are closed after an hour; callers reconnect by themselves.
        'grpc.max_connection_idle_ms': 3_600_000,
        interceptors: [grpcInterceptor(parts.routes, parts.metrics)],
      } as object,
      onLoadPackageDefinition: (packages: GrpcObject, server: Server) => {
        for (const definition of serviceDefinitions(packages)) keepUndecodable(definition);
        parts.extend(server, packages);
      },
    },
  };
}

function credentials(config: Config): ServerCredentials {
  const { tls } = config.grpc;
  if (!tls) return ServerCredentials.createInsecure();
  const pair = { cert_chain: readFileSync(tls.cert), private_key: readFileSync(tls.key) };
  return ServerCredentials.createSsl(tls.ca === undefined ? null : readFileSync(tls.ca), [pair], tls.ca !== undefined);
}

function* serviceDefinitions(packages: GrpcObject): Generator<ServiceDefinition> {
  for (const value of Object.values(packages)) {
    if (typeof value === 'function' && 'service' in value) yield value.service as ServiceDefinition;
    else if (typeof value === 'object' && !('format' in value)) yield* serviceDefinitions(value as GrpcObject);
  }
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
