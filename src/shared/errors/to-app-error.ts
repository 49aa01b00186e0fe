import { AppError } from './app-error';
import { internal } from './common.errors';

/** Whatever was thrown, as an AppError; what nobody foresaw becomes `internal` with its cause. */
export function toAppError(error: unknown): AppError {
  return error instanceof AppError ? error : internal(error);
}
