import type { ZodType } from 'zod';

/** A path outside of the contracts, which HTTP alone has and which anybody may get: what OpenAPI says of it. */
export interface Page {
  /** `GET /health/live` */
  readonly http: `GET /${string}`;
  readonly operationId: string;
  /** The feature, or `app`. */
  readonly service: string;
  readonly summary: string;
  /** By HTTP status. */
  readonly answers: Readonly<Record<number, PageAnswer>>;
}

export interface PageAnswer {
  readonly description: string;
  /** application/json unless told. */
  readonly contentType?: string;
  readonly schema: ZodType;
  readonly example: unknown;
}
