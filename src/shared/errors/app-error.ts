import { type Kind, kinds } from './kinds';

/** One field that was refused. `field` is the path as the caller spelled it: `events[3].payload.tier`. */
export interface FieldViolation {
  readonly field: string;
  readonly message: string;
}

/** So many times in so many seconds. */
export interface Limit {
  /** In the RateLimit headers, in metrics, and what keeps the keys of two limits apart. */
  readonly name: string;
  readonly max: number;
  readonly windowSeconds: number;
}

/** A caller's rest of a limit, and in how long it is whole again. */
export interface LimitLeft {
  readonly limit: Limit;
  readonly remaining: number;
  readonly resetMs: number;
}

/** The details that a caller may know beyond the message. Nothing secret goes in here: it leaves the process. */
export interface ErrorDetails {
  readonly fields?: readonly FieldViolation[];
  /** How long to wait before trying again, in milliseconds. HTTP: `Retry-After`; gRPC: `RetryInfo`. */
  readonly retryAfterMs?: number;
  /** The methods that a route does have. HTTP: `Allow`. */
  readonly allow?: readonly string[];
  /** The protocol that a path is served in. HTTP: `Upgrade`. */
  readonly upgrade?: 'websocket';
  /** With what the caller could prove who it is. HTTP: `WWW-Authenticate`. */
  readonly challenge?: 'Bearer';
  /** Seats of which it is said. HTTP: in the body; gRPC: in the metadata of ErrorInfo, joined by commas. */
  readonly seatIds?: readonly string[];
  /** HTTP: `RateLimit`, `RateLimit-Policy`; gRPC: trailers of these names. */
  readonly limits?: readonly LimitLeft[];
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

  /** The same error, which tells the caller's limits, too. */
  withLimits(limits: readonly LimitLeft[]): AppError {
    return new AppError(this.kind, this.code, this.message, { ...this.details, limits }, this.cause);
  }

  get httpStatus(): number {
    return kinds[this.kind].http;
  }

  get grpcStatus(): number {
    return kinds[this.kind].grpc;
  }
}
