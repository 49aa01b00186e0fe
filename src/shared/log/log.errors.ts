import { AppError } from '../errors/app-error';

/** The journal is not the one that a consumer has read: it was restored from a backup that is older than the consumer's data. */
export function journalMismatch(seq: number, id: string): AppError {
  return new AppError(
    'unprocessable',
    'journal_mismatch',
    `The journal has no event ${id} at number ${seq}, where its reader has seen it: the journal is older than the data of ` +
      'this reader. Restore the databases of all readers from backups that were taken before that of the journal',
  );
}
