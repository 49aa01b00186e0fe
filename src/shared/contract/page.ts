import type { ZodObject, ZodType } from 'zod';

/** A path outside of the contracts, which HTTP alone has and which anybody may get: who is named there, and what OpenAPI says of it. */
export interface Page {
  /** `GET /health/live` */
  readonly http: `GET /${string}`;
  readonly operationId: string;
  /** The feature, or `app`. */
  readonly service: string;
  readonly summary: string;
  /** `optional`: who presents credentials is the caller, and wrong ones are refused. `player`: only who presents some. Public unless told: nobody's are looked at. */
  readonly access?: 'public' | 'optional' | 'player';
  /** What may stand in its query, for the document; its handler checks it. */
  readonly query?: ZodObject;
  /** Its answer is a stream of events that goes on for as long as the caller listens: no time limit. HEAD is answered without its handler. */
  readonly endless?: true;
  /** By HTTP status: the codes of what it may be refused with, beside what any page may. */
  readonly errors?: Readonly<Record<number, readonly string[]>>;
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
