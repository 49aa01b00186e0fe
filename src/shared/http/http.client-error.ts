import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { guarded } from '../async/guarded';
import { newTraceId } from '../tracing/trace-id';

interface ClientError extends Error {
  readonly code?: string;
}

const answers: Record<string, { status: number; code: string; message: string }> = {
  HPE_HEADER_OVERFLOW: { status: 431, code: 'validation_failed', message: 'headers: are larger than 16 KiB' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'deadline_exceeded', message: 'The request did not arrive in time' },
};
const malformed = { status: 400, code: 'validation_failed', message: 'request: is not well-formed HTTP' };

/** Node's: the answer that is next on this connection. */
interface Answering {
  readonly _httpMessage?: ServerResponse | null;
}

/**
 * Answers what is not even HTTP in the one error shape, then closes the connection. Answers that are due go first: their
 * caller would take this one for theirs.
 */
export function refuseConnection(error: ClientError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { _httpMessage: due } = socket as Answering;
  if (due && error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') {
    due.once(
      'close',
      guarded(() => refuseConnection(error, socket)),
    );
    return;
  }
  const { status, code, message } = answers[error.code ?? ''] ?? malformed;
  const { phrase, traceId, body } = bodyOf(status, code, message);
  socket.end(
    `HTTP/1.1 ${status} ${phrase}\r\nContent-Type: application/json; charset=utf-8\r\nX-Trace-ID: ${traceId}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Answers 417 to an Expect other than 100-continue, which Node would do without a body. Source: RFC 9110, 10.1.1 */
export function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const { traceId, body } = bodyOf(417, 'validation_failed', 'Expect: must be 100-continue');
  response.writeHead(417, {
    'content-type': 'application/json; charset=utf-8',
    'x-trace-id': traceId,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}

function bodyOf(status: number, code: string, message: string): { phrase: string; traceId: string; body: string } {
  const traceId = newTraceId();
  const phrase = STATUS_CODES[status] ?? 'Bad Request';
  return { phrase, traceId, body: JSON.stringify({ error: phrase, code, message, trace_id: traceId }) };
}
