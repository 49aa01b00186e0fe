import { AppError } from '../errors/app-error';
import { scrub } from '../logging/redaction';

/** The COMMIT was sent and its answer never came: the transaction may or may not have happened. */
export class CommitUnknownError extends AppError {
  constructor(cause: unknown) {
    super(
      'unavailable',
      'unavailable',
      'It is not known whether this was stored; try again',
      { retryAfterMs: 1000 },
      cause,
    );
    this.name = 'CommitUnknownError';
  }
}

/** The native part of the SQLite driver is not there. The message is for the person who starts the process. */
export class SqliteDriverMissingError extends Error {
  constructor(cause: unknown) {
    super(
      'SQLite needs a driver that is compiled on installation: install a C++ compiler and run npm ci again, ' +
        'or set DATABASE_URL to a PostgreSQL or MySQL server.',
      { cause },
    );
    this.name = 'SqliteDriverMissingError';
  }
}

const uniqueViolations = [
  '23505',
  'ER_DUP_ENTRY',
  'SQLITE_CONSTRAINT_UNIQUE',
  'SQLITE_CONSTRAINT_PRIMARYKEY',
  'SQLITE_CONSTRAINT_ROWID',
];

// Serialization failure, deadlock, lock wait, a prepared statement that is another's (behind a connection pooler): the
// transaction was or must be rolled back and may pass when run again.
const retryable =
  /^(40001|40P01|55P03|42P05|26000|ER_LOCK_DEADLOCK|ER_LOCK_WAIT_TIMEOUT|ER_CHECKREAD|SQLITE_BUSY(_.+)?|SQLITE_LOCKED(_.+)?)$/;

// SQLSTATE classes: 08 connection, 53 resources, 57 operator intervention, 58 system error, 25006 read-only (failover).
const trouble = new RegExp(
  [
    '^(08...|53...|57...|58...|25006)$',
    '^(TIME_LIMIT|ECONN.*|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)$',
    '^(PROTOCOL_CONNECTION_LOST|PROTOCOL_ENQUEUE_.*|POOL_(CLOSED|ENQUEUELIMIT)|HANDSHAKE_.*)$',
    '^ER_(CON_COUNT_ERROR|TOO_MANY_USER_CONNECTIONS|USER_LIMIT_REACHED|(NORMAL_)?(SERVER_)?SHUTDOWN|QUERY_INTERRUPTED|CONNECTION_KILLED)$',
    '^ER_(ABORTING_CONNECTION|NEW_ABORTING_CONNECTION|NET_.*|DISK_FULL|RECORD_FILE_FULL|OPTION_PREVENTS_STATEMENT|STATEMENT_TIMEOUT)$',
    '^ER_(QUERY_TIMEOUT|CLIENT_INTERACTION_TIMEOUT|OUTOFMEMORY|OUT_OF_RESOURCES)$',
    '^SQLITE_(FULL|IOERR(_.+)?|CANTOPEN(_.+)?|READONLY(_.+)?|NOMEM|BUSY(_.+)?)$',
  ].join('|'),
);

// pg and mysql2 give these no code.
const troubleMessages =
  /^(Connection terminated|Client (was closed|has encountered a connection error)|timeout exceeded when trying to connect|Can't add new command when connection is in closed state|Pool is closed|Cannot use a pool after|Queue limit reached)/;

interface DriverError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly fatal?: unknown;
  readonly routine?: unknown;
}

/** The driver's own error; TypeORM wraps it in a QueryFailedError. */
function driverError(error: unknown): DriverError {
  const { driverError: inner } = (error ?? {}) as { driverError?: unknown };
  return (inner ?? error ?? {}) as DriverError;
}

function codeOf(error: unknown): string {
  return String(driverError(error).code ?? '');
}

/** A row with this unique key is there already. PostgreSQL has ended the transaction then, the others have not. */
export function isUniqueViolation(error: unknown): boolean {
  return uniqueViolations.includes(codeOf(error));
}

/**
 * The database would not do it, through no fault of the caller's. What the caller throws, finds there already or runs again
 * says nothing about the database.
 */
export function isFailure(error: unknown): boolean {
  if (error instanceof AppError || isUniqueViolation(error) || isRetryable(error)) return false;
  return codeOf(error) !== '' || isConnectionTrouble(error);
}

/** The same transaction may pass when it is run again at once. */
export function isRetryable(error: unknown): boolean {
  return retryable.test(codeOf(error)) || isStatementStale(error);
}

/** A table was changed under a statement that had been prepared; PostgreSQL has no code for that alone. */
export function isStatementStale(error: unknown): boolean {
  return codeOf(error) === '0A000' && driverError(error).routine === 'RevalidateCachedQuery';
}

/** A statement's name is taken or unknown in this session: somebody between us and PostgreSQL shares it out. */
export function isStatementLost(error: unknown): boolean {
  return ['42P05', '26000'].includes(codeOf(error));
}

/** Somebody else held a row for longer than the database lets us wait. */
export function isLockTimeout(error: unknown): boolean {
  return ['55P03', 'ER_LOCK_WAIT_TIMEOUT'].includes(codeOf(error));
}

/** The connection or the server failed, not the statement: the connection must not be used again. */
export function isConnectionTrouble(error: unknown): boolean {
  const inner = driverError(error);
  return inner.fatal === true || trouble.test(codeOf(error)) || troubleMessages.test(String(inner.message ?? ''));
}

// A full disk, a file or a server that is read-only now, a disk that fails.
const unwritable =
  /^(53100|58030|25006|ER_(DISK_FULL|RECORD_FILE_FULL|OPTION_PREVENTS_STATEMENT)|SQLITE_(FULL|IOERR(_.+)?|READONLY(_.+)?))$/;

/** The database may well be read, but nothing can be written to it. */
export function isUnwritable(error: unknown): boolean {
  return unwritable.test(codeOf(error));
}

/** What the database, or its driver, says, without anything that is secret. */
export function reasonOf(error: unknown): string {
  const { message, code = 'unknown' } = ((error as Error).cause ?? error) as Error & { readonly code?: string };
  // When a name has several addresses, Node's error is a list of errors without a message.
  return scrub(message || code);
}

/** A table or column is not there: the database waits for its migrations, or this process is the older one. */
export function isSchemaMissing(error: unknown): boolean {
  const { message } = driverError(error);
  if (['42P01', '42703', 'ER_NO_SUCH_TABLE', 'ER_BAD_FIELD_ERROR'].includes(codeOf(error))) return true;
  return codeOf(error) === 'SQLITE_ERROR' && /^no such (table|column)/.test(String(message ?? ''));
}

/** Nothing is wrong with what was asked; later it may pass. True for `unavailable` and for what becomes it. */
export function isTransient(error: unknown): boolean {
  if (error instanceof AppError) return error.kind === 'unavailable';
  return isRetryable(error) || isConnectionTrouble(error);
}
