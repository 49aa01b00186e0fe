import { type DynamicModule, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import type { DestinationStream, LoggerOptions } from 'pino';
import pretty from 'pino-pretty';
import { currentContext } from '../tracing/request-context';
import { redactor, scrub } from './redaction';

/** pino's settings: JSON lines with timestamp, level, service, message and trace_id. */
export function loggerOptions(level: string, logged: readonly string[]): LoggerOptions {
  return {
    level,
    base: { service: 'app' },
    messageKey: 'message',
    errorKey: 'err',
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    mixin: () => {
      const context = currentContext();
      return context ? { trace_id: context.traceId } : {};
    },
    formatters: { level: (label) => ({ level: label }), log: redactor(logged) },
    // The formatter has described errors already; pino's own serializer would hide what it left out.
    serializers: { err: (value) => value },
    hooks: {
      logMethod(args, method) {
        const told = args.length === 1 ? [args[0], messageOf(args[0])] : args;
        const clean = told.map((arg) => (typeof arg === 'string' ? scrub(arg) : arg)) as typeof args;
        method.apply(this, clean);
      },
    },
  };
}

/** Where a line has no message pino takes the error's, as it is. */
function messageOf(logged: unknown): string | undefined {
  const error = logged instanceof Error ? logged : (logged as { err?: unknown } | null)?.err;
  return error instanceof Error ? error.message : undefined;
}

function destination(): DestinationStream | undefined {
  if (!process.stdout.isTTY) return undefined;
  return pretty({ messageKey: 'message', timestampKey: 'timestamp', ignore: 'service', singleLine: true });
}

@Module({})
export class LoggingModule {
  /** `logged`: the fields of features that may be printed. */
  static forRoot(level: string, logged: readonly string[]): DynamicModule {
    const options = { ...loggerOptions(level, logged), autoLogging: false as const };
    const stream = destination();
    return {
      module: LoggingModule,
      // forRoutes stays empty: nestjs-pino's middleware costs a third of a request and needs middie.
      imports: [LoggerModule.forRoot({ pinoHttp: stream ? [options, stream] : options, forRoutes: [] })],
    };
  }
}
