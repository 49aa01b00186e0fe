import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PinoLogger } from 'nestjs-pino';
import { type Observable, throwError } from 'rxjs';
import { Seldom } from '../async/seldom';
import type { AppError } from '../errors/app-error';
import {
  bodyTooLarge,
  deadlineExceeded,
  malformedJson,
  routeNotFound,
  unsupportedMediaType,
} from '../errors/common.errors';
import { toAppError } from '../errors/to-app-error';
import { currentContext } from '../tracing/request-context';
import { grpcError } from './grpc.status';
import { type Replying, sendError } from './http.error-body';

/** The one place where an error becomes an answer, on both wires. What nobody foresaw is logged with its cause. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  // In an outage every request is refused for the same reason: a line for each, a stack once a second.
  private readonly wholly = new Seldom(1000);

  constructor(private readonly logger: PinoLogger) {}

  catch(thrown: unknown, host: ArgumentsHost): Observable<never> | undefined {
    if (host.getType() === 'rpc') {
      const error = toAppError(thrown);
      this.log(error, currentContext()?.traceId);
      return throwError(() => grpcError(error));
    }
    const http = host.switchToHttp();
    this.refuse(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
    return undefined;
  }

  /** Answers an HTTP request with the error. */
  refuse(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = thrown instanceof HttpException ? fromFramework(thrown, request) : thrown;
    this.answer(error, reply, request.traceId);
  }

  /** For requests that come by no framework. */
  answer(thrown: unknown, reply: Replying, traceId: string): void {
    const error = toAppError(thrown);
    this.log(error, traceId);
    sendError(reply, error, traceId);
  }

  private log(error: AppError, traceId: string | undefined): void {
    if (error.httpStatus < 500) return;
    const fields = { trace_id: traceId, code: error.code };
    const err = error.cause ?? error;
    if (error.kind === 'internal') this.logger.error({ ...fields, err }, 'request_failed');
    else
      this.logger.warn({ ...fields, ...(this.wholly.now() ? { err } : { reason: reasonOf(err) }) }, 'request_refused');
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Nest and Fastify refuse some requests before any of our code runs; Nest keeps only the status of Fastify's errors. */
function fromFramework(thrown: HttpException, { routeOptions }: FastifyRequest): AppError {
  switch (thrown.getStatus()) {
    case 400:
      return malformedJson('The request is not well-formed');
    case 404:
      return routeNotFound();
    case 413:
      return bodyTooLarge(routeOptions.bodyLimit);
    case 415:
      return unsupportedMediaType();
    case 503:
      return deadlineExceeded(thrown);
    default:
      return toAppError(thrown);
  }
}
