import type { ZodType } from 'zod';
import type { AnswerFacts } from './answer';
import type { Dto } from './dto';
import type { RequestHeaders } from './request-headers';

interface DocsBase<Request, Body> {
  readonly summary: string;
  readonly request: Dto<Request>;
  readonly answer: ZodType<Body>;
  /** HTTP status of success; 200 unless told. The server answers with it. */
  readonly status?: 201 | 202 | 204;
  /** Sent again it is answered 200 with the same body. */
  readonly replayed?: true;
  /** Error codes that this call adds to those every call can have, by HTTP status. */
  readonly errors?: Readonly<Partial<Record<400 | 401 | 403 | 404 | 409 | 412 | 422 | 429, readonly string[]>>>;
  /** Headers that are not in the message, by name. */
  readonly headers?: RequestHeaders;
  /** The facts that an answer can have; `limits` also when it is refused for too many tries. */
  readonly facts?: readonly (keyof AnswerFacts)[];
}

/** The description of one call for OpenAPI, beyond its route. */
export type CallDocs<Request = object, Body = unknown> = DocsBase<Request, Body> &
  (
    | {
        readonly signedBody?: never;
        readonly example: { readonly request: Readonly<Partial<Request>>; readonly answer: Body };
      }
    | {
        /** The schema of a body that is signed, and an example of it. */
        readonly signedBody: ZodType;
        readonly example: { readonly request: object; readonly answer: Body };
      }
  );

/** The calls of a contract, keyed by its methods: schema, status and examples have the types that the call has. */
export type Docs<Api extends object> = {
  readonly [Method in keyof Api]: Api[Method] extends (request: infer Request, ...rest: never[]) => Promise<infer Body>
    ? CallDocs<Request, Body>
    : never;
};
