import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { type Command, InvalidArgumentError } from 'commander';
import type { AppError, FieldViolation } from '../shared/errors/app-error';
import { validationFailed } from '../shared/errors/common.errors';
import { toAppError } from '../shared/errors/to-app-error';
import { AerieClient } from './client';
import { developmentSecret } from './signer';

/** The exit code of what cannot be done as it was typed, whoever has found that out. */
export const usageError = 2;
const probeMs = 1000;

/** The options that every command has. */
interface Settings {
  readonly url: string;
  readonly secret: string;
  readonly keyId: string;
  readonly token?: string;
  readonly json?: true;
}

/** The parts that a command works with. */
export interface Session {
  readonly client: AerieClient;
  readonly url: string;
  /** Whether there is a token. */
  readonly authorized: boolean;
  /** Whether JSON is printed. */
  readonly json: boolean;
  /** Prints the answer: as JSON with --json, else as these lines. */
  print(answer: unknown, lines: readonly string[]): void;
  /** Says something beside the answer, where it does not disturb a pipe. */
  say(line: string): void;
}

/** An action of commander's: `command` with a session, its arguments and its options. What it returns is the exit code. */
export function run<Given extends unknown[]>(command: (session: Session, ...given: Given) => Promise<number>) {
  return async (...given: unknown[]): Promise<void> => {
    // Commander gives arguments, options, and the command itself.
    const settings = (given.pop() as Command).optsWithGlobals<Settings>();
    const { url, keyId, secret, json } = settings;
    // A variable that is empty is as good as none.
    const token = settings.token === '' ? undefined : settings.token;
    try {
      await using client = new AerieClient({
        url,
        key: { kid: keyId, secret: textOrFile('--secret', secret || developmentSecret) },
        ...(token === undefined ? {} : { bearer: textOrFile('--token', token) }),
      });
      const print = (answer: unknown, lines: readonly string[]): void => {
        process.stdout.write((json ? [JSON.stringify(answer)] : lines).map((line) => `${line}\n`).join(''));
      };
      const say = (line: string): void => {
        if (!json) process.stderr.write(`${line}\n`);
      };
      const parts = { client, url, authorized: token !== undefined, json: json === true };
      process.exitCode = await command({ ...parts, print, say }, ...(given as Given));
    } catch (error) {
      process.stderr.write(`${await explain(error, { url, authorized: token !== undefined })}\n`);
      process.exitCode = toAppError(error).kind === 'invalid' ? usageError : 1;
    }
  };
}

/** An error for the person at the command line: `code: message`, then each refused field. */
async function explain(
  thrown: unknown,
  { url, authorized }: { readonly url: string; readonly authorized: boolean },
): Promise<string> {
  const error = toAppError(thrown);
  // With a cause no server has answered; this side has not got through to one.
  if (error.kind === 'unavailable' && error.cause !== undefined) {
    const wire = url.startsWith('grpc') ? 'gRPC' : 'HTTP';
    return (await isListening(url))
      ? `unavailable: somebody listens at ${url}, but no Aerie that speaks ${wire} answers there. Is it the right port?`
      : `unavailable: nothing answers at ${url}. Start the server first: npm start`;
  }
  if (error.kind === 'internal' && error.cause !== undefined) {
    return `internal: ${url} gave an answer that makes no sense (${(error.cause as Error).message}). Is Aerie there?`;
  }
  const { fields = [] } = error.details;
  const remedy = error.code === 'token_invalid' && !authorized ? '. Give it by --token or AERIE_TOKEN' : '';
  const lineOf = ({ field, message }: FieldViolation): string => `  ${field}: ${message}`;
  // The message names the first field already.
  return [`${error.code}: ${error.message}${remedy}`, ...fields.slice(1).map(lineOf)].join('\n');
}

/** Whether anybody takes connections there, whatever he speaks. */
function isListening(url: string): Promise<boolean> {
  const { protocol, hostname, port } = new URL(url);
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || (protocol === 'http:' ? 80 : 443)),
    timeout: probeMs,
  });
  return new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('timeout', () => resolve(false));
  }).finally(() => socket.destroy());
}

/** Which page of a list. */
export interface Paging {
  readonly limit: number;
  readonly after?: string;
}

/** A command that lists a page at a time. */
export function addPaging(command: Command, limit = 20): Command {
  return command
    .option('--limit <n>', 'how many, 1 to 100', whole(1, 100), limit)
    .option('--after <token>', 'go on where the last page ended');
}

/** An option's address of a server. */
export function url(text: string): string {
  const known = /^(https?|grpcs?):\/\/[^/]/.test(text) && URL.canParse(text);
  if (!known) throw new InvalidArgumentError('It must be http://host:port or grpc://host:port.');
  return text;
}

/** An option's whole number. */
export function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= min && number <= max))
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return number;
  };
}

/** A command line is visible to every user of the machine; a file need not be. */
export function textOrFile(option: string, text: string): string {
  if (!text.startsWith('@')) return text;
  try {
    return readFileSync(text.slice(1), 'utf8').trim();
  } catch (error) {
    throw fileUnreadable(option, text.slice(1), error);
  }
}

export function fileUnreadable(field: string, path: string, error: unknown): AppError {
  const { code = 'unreadable' } = error as NodeJS.ErrnoException;
  return validationFailed([{ field, message: `cannot read ${path} (${code})` }]);
}
