import type { AppError } from '../errors/app-error';
import { kinds } from '../errors/kinds';

/** The one error shape over HTTP. */
export interface ErrorBody {
  readonly error: string;
  readonly code: string;
  readonly message: string;
  readonly details?: { readonly fields: readonly { readonly field: string; readonly message: string }[] };
  readonly trace_id: string;
}

export function errorBody(error: AppError, traceId: string): ErrorBody {
  const { fields } = error.details;
  return {
    error: kinds[error.kind].phrase,
    code: error.code,
    message: error.message,
    ...(fields ? { details: { fields } } : {}),
    trace_id: traceId,
  };
}
