import type { PinoLogger } from 'nestjs-pino';
import { pino } from 'pino';
import { loggerOptions } from '../../src/shared/logging/logging.module';

// What features vouch for in their modules.
const logged = ['rule', 'mode', 'flag_id', 'verdict', 'kept', 'on_failure', 'role', 'window'];

/** A line of the log, as it is printed. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface Recording {
  readonly logger: PinoLogger;
  /** All lines, oldest first, those at debug and trace too. */
  readonly lines: readonly LogLine[];
  /** The messages of what an operator sees: info and worse. */
  readonly told: readonly string[];
}

/** The real logger with the real redaction, writing into memory: a level that code uses cannot be missing here. */
export function recordingLogger(): Recording {
  const lines: LogLine[] = [];
  const told: string[] = [];
  const write = (text: string): void => {
    const line = JSON.parse(text) as LogLine;
    lines.push(line);
    if (line.level !== 'debug' && line.level !== 'trace') told.push(line.message);
  };
  return { logger: pino(loggerOptions('trace', logged), { write }) as unknown as PinoLogger, lines, told };
}
