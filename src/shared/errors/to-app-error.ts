import { AppError } from './app-error';
import { bodyTooLarge, deadlineExceeded, internal, malformedJson, unsupportedMediaType } from './common.errors';

// Fastify's own refusals, by code (https://fastify.dev/docs/latest/Reference/Errors/).
const fastifyErrors: Record<string, (error: Error) => AppError> = {
  FST_ERR_CTP_BODY_TOO_LARGE: (error) => bodyTooLarge((error as { limit?: number }).limit ?? 65536),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: unsupportedMediaType,
  FST_ERR_CTP_INVALID_TYPE: unsupportedMediaType,
  FST_ERR_CTP_EMPTY_JSON_BODY: () => malformedJson('The body is empty'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => malformedJson('The body is shorter or longer than Content-Length says'),
  FST_ERR_HANDLER_TIMEOUT: deadlineExceeded,
  FST_ERR_BAD_URL: () => malformedJson('The URL is not well-formed'),
};

/** Whatever was thrown, as an AppError; what nobody foresaw becomes `internal` with its cause. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const known = typeof code === 'string' ? fastifyErrors[code] : undefined;
  return known ? known(error as Error) : internal(error);
}
