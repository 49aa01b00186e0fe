import { readFileSync } from 'node:fs';
import type { AppError } from '../shared/errors/app-error';
import { validationFailed } from '../shared/errors/common.errors';
import { AerieClient } from './client';

/** The options that every command has. */
export interface Settings {
  readonly url: string;
  readonly secret: string;
  readonly keyId: string;
  readonly token?: string;
  readonly json?: true;
}

/** What a command works with. */
export interface Session extends AsyncDisposable {
  readonly client: AerieClient;
  readonly url: string;
  /** Prints the answer: as JSON with --json, else as these lines. */
  print(answer: unknown, lines: readonly string[]): void;
  /** Says something beside the answer, where it does not disturb a pipe. */
  say(line: string): void;
}

export function session(settings: Settings): Session {
  const client = new AerieClient({
    url: settings.url,
    key: { kid: settings.keyId, secret: textOrFile('--secret', settings.secret) },
    ...(settings.token === undefined ? {} : { bearer: textOrFile('--token', settings.token) }),
  });
  return {
    client,
    url: settings.url,
    print: (answer, lines) => {
      const text = settings.json ? [JSON.stringify(answer)] : lines;
      process.stdout.write(text.map((line) => `${line}\n`).join(''));
    },
    say: (line) => {
      if (!settings.json) process.stderr.write(`${line}\n`);
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
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
