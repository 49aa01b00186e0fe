import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { AppError, type ErrorDetails, type FieldViolation } from '../errors/app-error';
import { type Kind, kinds } from '../errors/kinds';
import { limitHeaders, limitsOf } from './answer-headers';
import { rpcType } from './proto';

const statusType = rpcType('Status');
const errorInfo = rpcType('ErrorInfo');
const badRequest = rpcType('BadRequest');
const retryInfo = rpcType('RetryInfo');

const detailsKey = 'grpc-status-details-bin';
// Trailers share the 16 KiB that clients allow for headers; a long list of fields is cut, the code never.
const maxFields = 10;

/** An error as grpc-js sends it: status, message, and google.rpc.Status with ErrorInfo, BadRequest, RetryInfo. */
export function grpcError(error: AppError): StatusObject & Error {
  const metadata = new Metadata();
  // grpc-js spells the message as a URI, which throws for half of a surrogate pair.
  const message = error.message.toWellFormed();
  const status = { code: error.grpcStatus, message, details: details(error) };
  metadata.set(detailsKey, statusType.serialize(status));
  const { challenge, limits } = error.details;
  if (challenge) metadata.set('www-authenticate', challenge);
  for (const [name, value] of Object.entries(limits ? limitHeaders(limits) : {})) metadata.set(name, value);
  return Object.assign(new Error(message), { code: error.grpcStatus, details: message, metadata });
}

function details(error: AppError): object[] {
  const { fields, retryAfterMs, seatIds } = error.details;
  const metadata = { kind: error.kind, ...(seatIds && { seatIds: seatIds.join(',') }) };
  const packed = [any('ErrorInfo', errorInfo.serialize({ reason: error.code, domain: 'aerie', metadata }))];
  if (fields) {
    const fieldViolations = fields.slice(0, maxFields).map(({ field, message }) => ({ field, description: message }));
    packed.push(any('BadRequest', badRequest.serialize({ fieldViolations })));
  }
  if (retryAfterMs !== undefined) {
    const retryDelay = { seconds: Math.floor(retryAfterMs / 1000), nanos: Math.round((retryAfterMs % 1000) * 1e6) };
    packed.push(any('RetryInfo', retryInfo.serialize({ retryDelay })));
  }
  return packed;
}

function any(name: string, value: Buffer): object {
  return { type_url: `type.googleapis.com/google.rpc.${name}`, value };
}

interface PackedStatus {
  readonly details: readonly { readonly type_url: string; readonly value: Buffer }[];
}

/** The AppError that a server sent, out of a failed call; undefined when it was not one of ours. */
export function fromGrpcError(error: { details: string; metadata?: Metadata }): AppError | undefined {
  const bytes = error.metadata?.get(detailsKey)[0];
  if (!Buffer.isBuffer(bytes)) return undefined;
  const status = statusType.deserialize(bytes) as PackedStatus;
  const unpacked = new Map(
    status.details.map(({ type_url: url, value }) => [url.slice(url.lastIndexOf('.') + 1), value]),
  );
  const infoBytes = unpacked.get('ErrorInfo');
  if (!infoBytes) return undefined;
  const info = errorInfo.deserialize(infoBytes) as { reason: string; domain: string; metadata: Record<string, string> };
  const kind = info.metadata.kind;
  if (info.domain !== 'aerie' || kind === undefined || !(kind in kinds)) return undefined;
  return new AppError(kind as Kind, info.reason, error.details, {
    ...(info.metadata.seatIds && { seatIds: info.metadata.seatIds.split(',') }),
    ...fieldsOf(unpacked.get('BadRequest')),
    ...delayOf(unpacked.get('RetryInfo')),
    ...besides(error.metadata),
  });
}

function besides(metadata: Metadata | undefined): Pick<ErrorDetails, 'challenge' | 'limits'> {
  const text = (name: string): string | undefined => metadata?.get(name)[0]?.toString();
  const limits = limitsOf(text('ratelimit-policy'), text('ratelimit'));
  return {
    ...(text('www-authenticate') === 'Bearer' ? { challenge: 'Bearer' } : {}),
    ...(limits.length === 0 ? {} : { limits }),
  };
}

function fieldsOf(bytes: Buffer | undefined): { fields?: FieldViolation[] } {
  if (!bytes) return {};
  const { fieldViolations } = badRequest.deserialize(bytes) as {
    fieldViolations: { field: string; description: string }[];
  };
  return { fields: fieldViolations.map(({ field, description }) => ({ field, message: description })) };
}

function delayOf(bytes: Buffer | undefined): { retryAfterMs?: number } {
  if (!bytes) return {};
  const { retryDelay } = retryInfo.deserialize(bytes) as { retryDelay: { seconds: number; nanos: number } };
  return { retryAfterMs: Number(retryDelay.seconds) * 1000 + retryDelay.nanos / 1e6 };
}
