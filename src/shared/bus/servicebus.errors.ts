/** An error of the SDK as an operator can use it: it says what to make when that is what is missing. */
export function explained(error: unknown, topic: string, consumer?: string): unknown {
  const last = lastOf(error);
  if (codeOf(last) !== 'MessagingEntityNotFound') return last;
  const what = consumer === undefined ? `topic ${topic}` : `subscription ${consumer} of a topic ${topic}`;
  return new Error(`Service Bus has no ${what}: make it, see "Service Bus" in the README`, { cause: last });
}

/** No session has messages that nobody else is handling. */
export function isNothingThere(error: unknown): boolean {
  return ['ServiceTimeout', 'SessionCannotBeLocked'].includes(codeOf(error) ?? '');
}

const answers = [
  'MessagingEntityNotFound',
  'MessagingEntityDisabled',
  'QuotaExceeded',
  'ServiceBusy',
  'UnauthorizedAccess',
];

/** The service has answered, and would answer the same over another connection. */
export function isAnswer(error: unknown): boolean {
  return answers.includes(codeOf(error) ?? '');
}

/**
 * A session's lock alone is lost. Only the SDK's words tell it from a lost connection, for which it has the same code; were
 * they others, a connection would be given up for a lock, or when a call over it takes too long.
 */
export function isLockAlone(error: unknown): boolean {
  return codeOf(error) === 'SessionLockLost' && !(error as Error).message.includes('AMQP connection');
}

/** Of the SDK's error for several tries, which has no words of its own, the last one. */
export function lastOf(error: unknown): unknown {
  return error instanceof AggregateError ? error.errors.at(-1) : error;
}

/** As the SDK names what is wrong. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as { code?: string }).code : undefined;
}
