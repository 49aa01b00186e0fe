/** HTTP status and phrase, and gRPC code (numbers of google.rpc.Code), for every kind of error. */
export const kinds = {
  invalid: { http: 400, grpc: 3, phrase: 'Bad Request' },
  unauthenticated: { http: 401, grpc: 16, phrase: 'Unauthorized' },
  forbidden: { http: 403, grpc: 7, phrase: 'Forbidden' },
  not_found: { http: 404, grpc: 5, phrase: 'Not Found' },
  method: { http: 405, grpc: 12, phrase: 'Method Not Allowed' },
  conflict: { http: 409, grpc: 10, phrase: 'Conflict' },
  already_exists: { http: 409, grpc: 6, phrase: 'Conflict' },
  version: { http: 412, grpc: 9, phrase: 'Precondition Failed' },
  too_large: { http: 413, grpc: 8, phrase: 'Payload Too Large' },
  media_type: { http: 415, grpc: 3, phrase: 'Unsupported Media Type' },
  unprocessable: { http: 422, grpc: 9, phrase: 'Unprocessable Content' },
  upgrade: { http: 426, grpc: 9, phrase: 'Upgrade Required' },
  throttled: { http: 429, grpc: 8, phrase: 'Too Many Requests' },
  internal: { http: 500, grpc: 13, phrase: 'Internal Server Error' },
  unavailable: { http: 503, grpc: 14, phrase: 'Service Unavailable' },
  deadline: { http: 504, grpc: 4, phrase: 'Gateway Timeout' },
} as const;

export type Kind = keyof typeof kinds;
