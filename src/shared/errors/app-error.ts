import { type Kind, kinds } from './kinds';

/** One field that was refused. `field` is the path as the caller spelled it: `events[3].payload.tier`. */
export interface FieldViolation {
  readonly field: string;
  readonly message: string;
}

/** What a caller may know beyond the message. Nothing secret goes in here: it leaves the process. */
export interface ErrorDetails {
  readonly fields?: readonly FieldViolation[];
  /** How long to wait before trying again, in milliseconds. HTTP: `Retry-After`; gRPC: `RetryInfo`. */
  readonly retryAfterMs?: number;
  /** The methods that a route does have. HTTP: `Allow`. */
  readonly allow?: readonly string[];
  /** Further response headers (HTTP) or trailers (gRPC), lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The one error type. `kind` decides the HTTP status and the gRPC code (`kinds`), `code` is what programs
 * compare, `message` what people read, `cause` what only the log sees.
 */
export class AppError extends Error {
  constructor(
    readonly kind: Kind,
    readonly code: string,
    message: string,
    readonly details: ErrorDetails = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AppError';
  }

  get httpStatus(): number {
    return kinds[this.kind].http;
  }

  get grpcStatus(): number {
    return kinds[this.kind].grpc;
  }
}
