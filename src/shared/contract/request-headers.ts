/** A header that a call reads beside its message: what OpenAPI says of it. */
export interface RequestHeader {
  readonly description: string;
  readonly required: boolean;
  readonly example?: string;
  /** The values that the server takes, as a regular expression of ECMA-262. */
  readonly pattern?: string;
  readonly maxLength?: number;
}

export type RequestHeaders = Readonly<Record<string, RequestHeader>>;

// Bare, or as a string of structured fields: what `bareKey` and `idempotencyKey` take. Source: RFC 9651, 3.3.3
const inQuotes = '(?:[!#-\\[\\]-~]|\\\\["\\\\])';
const spaced = '(?:[ !#-\\[\\]-~]|\\\\["\\\\])';
const bare = '[!#-~](?:[ -~]{0,253}[!-~])?';
const keyPattern = `^(?:${bare}|"${inQuotes}(?:${spaced}{0,253}${inQuotes})?")$`;

/** `Idempotency-Key`; `description` says what it does for this call. */
export function idempotencyKeyHeader(description: string, example: string, required = false): RequestHeader {
  return { description, required, example, pattern: keyPattern, maxLength: 512 };
}

export const ifMatchHeader: RequestHeader = {
  description: 'The ETag that the change is meant for; else 412',
  required: false,
  example: '"1"',
  pattern: '^(?:\\*|(?:[Ww]/)?"[1-9][0-9]{0,14}")$',
};

/** Of every read whose answer has an ETag. */
export const ifNoneMatchHeader: RequestHeader = {
  description: 'The ETags that are known; an answer with one of them is 304 without a body',
  required: false,
  example: '"1"',
};
