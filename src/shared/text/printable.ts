const maxLength = 1000;

/** Why something has failed, in one line of at most 1000 characters that every database takes. */
export function printable(reason: unknown): string {
  const message = reason instanceof Error ? reason.message : String(reason);
  return (
    message
      .toWellFormed()
      .replace(/\p{Cc}+/gu, ' ')
      .slice(0, maxLength) || 'failed without a message'
  );
}
