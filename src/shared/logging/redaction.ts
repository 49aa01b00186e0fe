// An allow-list, because a deny-list forgets: a field that nobody vouched for is not printed. Features add their own.
const printable = new Set([
  'event',
  'context',
  'trace_id',
  'service',
  'err',
  'kind',
  'code',
  'method',
  'path',
  'status',
  'duration_ms',
  'size',
  'host',
  'port',
  'url_path',
  'modules',
  'database',
  'environment',
  'signal',
  'consumer',
  'topic',
  'deliveries',
  'dependency',
  'state',
  'feature',
  'bus',
  'reason',
  'wire',
  'address',
  'count',
  'attempt',
  'tries',
  'lag_ms',
  'pending',
  'check',
  'migrations',
  'event_id',
  'grpc_method',
  'grpc_code',
  'version',
  'player_id',
  'seconds',
  'by',
  'job',
  'row',
]);

// Where something listens: `grpc_port`, and those of features.
const portField = /^[a-z]+_port$/;

// Up to the last @ before the path: a password may hold one.
const credentialsInUrl = /([a-z][a-z0-9+.-]*:\/\/)[^/\s]*@/gi;
// As Go's MySQL driver has it: user:password@tcp(host:3306)/db
const credentialsInDsn = /[^\s"'/]+@(?=(?:tcp|unix)\()/gi;
// Player tokens and receipts (RFC 7515, compact).
const jws = /\beyJ[\w-]*\.[\w-]*\.[\w-]*/g;
const email = /[^\s@"'<>()/[\]]+@[^\s@"'<>()/]+\.[A-Za-z]{2,}/g;
const bearer = /(bearer\s+)[^\s"']+/gi;
// SharedAccessKey and sig: of Azure's connection strings and signatures.
const secretPair =
  /((?:password|secret|token|authorization|signature|sharedaccesskey|\bsig)["']?\s*[=:]\s*["']?)[^\s"',;]+/gi;

// These look at some characters more than once: a longer text is not printed whole.
const maxLength = 16 * 1024;

/** A text without credentials in URLs and DSNs, signed tokens, e-mail addresses, bearer tokens and `secret=...` pairs. */
export function scrub(text: string): string {
  return text
    .slice(0, maxLength)
    .replace(credentialsInUrl, '$1[redacted]@')
    .replace(credentialsInDsn, '[redacted]@')
    .replace(jws, '[redacted]')
    .replace(email, '[redacted]')
    .replace(bearer, '$1[redacted]')
    .replace(secretPair, '$1[redacted]');
}

/** Answers the fields of a log line as they may be printed; `logged`: the names that features vouch for. */
export function redactor(logged: readonly string[]): (fields: Record<string, unknown>) => Record<string, unknown> {
  const known = new Set([...printable, ...logged]);
  return (fields) => {
    const clean: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(fields))
      clean[name] = known.has(name) || portField.test(name) ? printableValue(value) : '[redacted]';
    return clean;
  };
}

function printableValue(value: unknown): unknown {
  if (value instanceof Error) return describeError(value);
  if (typeof value === 'string') return scrub(value);
  if (Array.isArray(value)) return value.map(printableValue);
  return typeof value === 'object' && value !== null ? '[redacted]' : value;
}

/** An error with its causes, at most five deep, scrubbed. */
export function describeError(error: Error, depth = 0): Record<string, unknown> {
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: scrub(error.message),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack: scrub(error.stack ?? ''),
    ...(error.cause instanceof Error && depth < 5 ? { cause: describeError(error.cause, depth + 1) } : {}),
  };
}
