import { readFileSync } from 'node:fs';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { type GrpcOptions, Transport } from '@nestjs/microservices';
import { protoPath as healthProto } from 'grpc-health-check';
import type { Config } from '../config/config';
import { fileDescriptors } from './grpc.descriptors';
import { grpcInterceptor } from './grpc.interceptor';
import type { GrpcMetrics } from './grpc.metrics';
import { Peers } from './peer';
import { errorTypes, loaderOptions, protoFile } from './proto';
import type { RouteTable } from './route-table';
import { undecodable } from './undecodable';

const maxMessageBytes = 288 * 1024;

export interface GrpcParts {
  readonly routes: RouteTable;
  readonly metrics: GrpcMetrics;
  /** Adds services that are not features: health and reflection. */
  readonly extend: (server: Server, packages: PackageDefinition) => void;
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
        interceptors: [grpcInterceptor(parts.routes, parts.metrics, new Peers(config.trustedProxies))],
      } as object,
      onLoadPackageDefinition: (packages: PackageDefinition, server: Server) => {
        for (const definition of Object.values(packages)) if (!('format' in definition)) keepUndecodable(definition);
        parts.extend(server, packages);
      },
    },
  };
}

/** Lets tools such as grpcurl ask which services there are. */
export function addReflection(server: Server, packages: PackageDefinition): void {
  const health = loadSync(healthProto, loaderOptions);
  const files = fileDescriptors({ ...packages, ...health, ...errorTypes });
  new ReflectionService({ files: { fileDescriptorProtos: files } } as unknown as PackageDefinition).addToServer(server);
}

function credentials(config: Config): ServerCredentials {
  const { tls } = config.grpc;
  if (!tls) return ServerCredentials.createInsecure();
  const pair = { cert_chain: readFileSync(tls.cert), private_key: readFileSync(tls.key) };
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
