import type { ZodType } from 'zod';
import type { AnswerHeader } from './answer-headers';
import type { Dto } from './dto';
import type { RequestHeaders } from './request-headers';

/** What OpenAPI says of one call beyond its route. */
export interface MessageDocs {
  readonly summary: string;
  readonly request: Dto<object>;
  readonly answer: ZodType;
  /** HTTP status of success; 200 unless told. */
  readonly status?: number;
  /** Sent again it is answered 200 with the same body. */
  readonly replayed?: true;
  /** Error codes that this call adds to those every call can have, by HTTP status. */
  readonly errors?: Readonly<Record<number, readonly string[]>>;
  readonly example: { readonly request: object; readonly answer: object };
  /** Headers that are not in the message, by name. */
  readonly headers?: RequestHeaders;
  /** Headers of a success, and of being refused for too many tries, beside those that follow from the rest. */
  readonly answers?: readonly AnswerHeader[];
  /** The schema of a body that the request carries as bytes. */
  readonly rawBody?: ZodType;
}

/** The messages of a contract, keyed by its methods. */
export type Messages<Api extends object> = { readonly [Method in keyof Api]: MessageDocs };
