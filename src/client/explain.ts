import type { FieldViolation } from '../shared/errors/app-error';
import { toAppError } from '../shared/errors/to-app-error';

/** An error for the person at the command line: `code: message`, then each refused field. */
export function explain(thrown: unknown, url: string): string {
  const error = toAppError(thrown);
  // With a cause no server has answered; this side has not got through to one.
  if (error.kind === 'unavailable' && error.cause !== undefined) {
    return `unavailable: nothing answers at ${url}. Start the server first: npm start`;
  }
  if (error.kind === 'internal' && error.cause !== undefined) {
    return `internal: ${url} gave an answer that makes no sense (${(error.cause as Error).message}). Is Aerie there?`;
  }
  const { fields = [] } = error.details;
  // The message names the first field already.
  return [`${error.code}: ${error.message}`, ...fields.slice(1).map(fieldLine)].join('\n');
}

function fieldLine({ field, message }: FieldViolation): string {
  return `  ${field}: ${message}`;
}
