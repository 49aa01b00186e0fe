const keys = new WeakMap<object, string>();

/**
 * Gives a request its Idempotency-Key and returns it. The key is no part of the message: HTTP carries it as a header, gRPC
 * as metadata, and a call within the process like this.
 */
export function keyed<Request extends object>(request: Request, key: string | undefined): Request {
  if (key !== undefined) keys.set(request, key);
  return request;
}

/** The Idempotency-Key that a request came with. */
export function keyOf(request: object): string | undefined {
  return keys.get(request);
}
