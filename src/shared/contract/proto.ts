import { join } from 'node:path';
import type { MessageTypeDefinition, Options } from '@grpc/proto-loader';
import { loadSync } from '@grpc/proto-loader';
import type { AnyContract } from './contract';

/** Where the .proto files are, from src and from dist alike. */
export const protoRoot = join(__dirname, '..', '..', '..', 'proto');

/** Must match how ts-proto types the messages: see `proto/buf.gen.yaml`. */
export const loaderOptions: Options = {
  longs: Number,
  defaults: true,
  arrays: true,
  oneofs: false,
  includeDirs: [protoRoot],
};

/** `aerie.events_gateway.v1` -> `aerie/events_gateway/v1/events_gateway.proto` */
export function protoFile(contract: AnyContract): string {
  const parts = contract.proto.package.split('.');
  return `${parts.join('/')}/${parts.at(-2)}.proto`;
}

const errorTypes = loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto'], loaderOptions);

/** A message type of google.rpc: `Status`, `ErrorInfo`, `BadRequest`, `RetryInfo`. */
export function rpcType(name: string): MessageTypeDefinition<object, object> {
  return errorTypes[`google.rpc.${name}`] as MessageTypeDefinition<object, object>;
}
