import { type Dispatcher, errors } from 'undici';
import { limitsOf } from '../contract/answer-headers';
import type { ErrorBody } from '../contract/http.error-body';
import { AppError, type ErrorDetails } from '../errors/app-error';
import { deadlineExceeded, internal, unavailable, validationFailed } from '../errors/common.errors';
import { type Kind, kinds } from '../errors/kinds';
import { type Replays, withFacts } from './remote';

type Answer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>;

const gatewayStatuses = [502, 503, 504];

/** The message that an HTTP answer carries. @throws the AppError that the server sent, rebuilt */
export async function readAnswer({ statusCode, headers, body }: Answer, replays: Replays): Promise<object> {
  const text = await body.text();
  if (statusCode >= 400) throw fromHttpError(statusCode, headers, text);
  const answer = parsed(text === '' ? '{}' : text);
  if (!answer) throw internal(new Error(`HTTP ${statusCode} without a JSON object`));
  return withFacts(answer, (name) => headers[name]?.toString(), replays);
}

/** The error that an answer of 400 and above is. */
export function fromHttpError(status: number, headers: Answer['headers'], text: string): AppError {
  const body = parsed(text) as Partial<ErrorBody> | undefined;
  if (typeof body?.code !== 'string' || typeof body.message !== 'string') return fromStranger(status);
  const limits = limitsOf(headers['ratelimit-policy']?.toString(), headers.ratelimit?.toString());
  return new AppError(kindOf(status, headers), body.code, body.message, {
    ...body.details,
    ...delayOf(headers['retry-after']),
    ...(typeof headers.allow === 'string' ? { allow: headers.allow.split(', ') } : {}),
    ...(headers['www-authenticate'] === 'Bearer' ? { challenge: 'Bearer' } : {}),
    ...(limits.length === 0 ? {} : { limits }),
  });
}

/** A proxy's answer, or that of a server that is not Aerie. */
function fromStranger(status: number): AppError {
  const cause = new Error(`HTTP ${status} without an error of Aerie`);
  return gatewayStatuses.includes(status) ? unavailable(cause) : internal(cause);
}

function kindOf(status: number, headers: Answer['headers']): Kind {
  // Two kinds share 409. What may come right by itself says when to try again, and what is in the way for good says so.
  if (headers['x-error-kind'] === 'conflict') return 'conflict';
  if (status === 409) return headers['retry-after'] === undefined ? 'already_exists' : 'conflict';
  const found = Object.entries(kinds).find(([, { http }]) => http === status);
  return (found?.[0] as Kind | undefined) ?? (status < 500 ? 'invalid' : 'internal');
}

function delayOf(header: string | string[] | undefined): ErrorDetails {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) ? { retryAfterMs: seconds * 1000 } : {};
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Turns what kept a request from being answered into an AppError; anything else stays as it was thrown. */
export function fromTransport(thrown: unknown): unknown {
  if (thrown instanceof AppError) return thrown;
  // Nothing was sent: what the caller gave cannot stand in a header or a URL.
  if (thrown instanceof errors.InvalidArgumentError)
    return validationFailed([{ field: 'headers', message: thrown.message }]);
  if (thrown instanceof errors.ResponseExceededMaxSizeError) return internal(thrown);
  const { name, code } = thrown as { name?: unknown; code?: unknown };
  if (name === 'TimeoutError') return deadlineExceeded(thrown);
  return typeof code === 'string' ? unavailable(thrown) : thrown;
}
