import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PARAMTYPES_METADATA, PATH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants';
import type { ModulesContainer } from '@nestjs/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hasCaller } from '../auth/caller';
import { type Dto, isDto } from '../contract/dto';
import type { ErrorFilter } from '../contract/error.filter';
import { validated } from '../contract/validation.pipe';
import { forbidden } from '../errors/common.errors';
import { messageOf, requestFactory } from './http-request.decorator';

type Call = (message: object) => Promise<unknown>;

/** A controller's method that takes the message and nothing else. */
interface Read {
  readonly dto: Dto<object>;
  readonly call: Call;
}

const ofNests =
  /^__(guards|interceptors|pipes|exceptionFilters|headers|httpCode|redirect|renderTemplate|sse|version)__$/;

/**
 * Has Fastify call the controllers' reads itself: what Nest does around a handler (an interceptor chain, a pipe and a
 * dozen promises for each) costs more than most reads. The steps are the same: caller, validation, the method, the error
 * filter. Only methods whose one parameter is the message; all others stay Nest's. To be called before routes are made.
 */
export function serveReads(fastify: FastifyInstance, modules: ModulesContainer, filter: ErrorFilter): void {
  const reads = readsOf(modules);
  fastify.addHook('onRoute', (options) => {
    const read = [options.method].flat().every((method) => method === 'GET' || method === 'HEAD')
      ? reads.get(options.url)
      : undefined;
    if (!read || !options.config?.entry?.route) return;
    options.handler = (request, reply) => {
      // As Nest's adapter: an id that is empty names nothing, not even the list.
      if (Object.values(request.params as object).includes('')) {
        reply.callNotFound();
        return;
      }
      answerOf(read, request)
        .then((body) => {
          // The deadline may have answered meanwhile.
          if (!reply.sent) void reply.send(body);
        })
        .catch((error: unknown) => filter.refuse(error, request, reply));
    };
  });
}

async function answerOf({ dto, call }: Read, request: FastifyRequest): Promise<unknown> {
  // As `AccessGuard.canActivate`: what comes here unasked is refused.
  if (!hasCaller()) throw forbidden();
  return call(validated(messageOf(request), dto));
}

/** The reads of all controllers, by their path's template. */
function readsOf(modules: ModulesContainer): ReadonlyMap<string, Read> {
  const reads = new Map<string, Read>();
  for (const { controllers } of modules.values()) {
    for (const { instance, metatype } of controllers.values()) {
      if (typeof metatype !== 'function') continue;
      const prefix: unknown = Reflect.getMetadata(PATH_METADATA, metatype);
      const { prototype } = metatype as { prototype: object };
      for (const name of Object.getOwnPropertyNames(prototype)) {
        const method: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
        const dto = typeof method === 'function' ? messageIn(metatype, prototype, name, method) : undefined;
        if (!dto || typeof method !== 'function') continue;
        const path = [prefix, Reflect.getMetadata(PATH_METADATA, method)].map(String).join('/');
        const call = method.bind(instance) as Call;
        reads.set(`/${path.split('/').filter(Boolean).join('/')}`, { dto, call });
      }
    }
  }
  return reads;
}

/** The class of the message that a controller's GET method takes; undefined for methods that have more to them. */
function messageIn(controller: object, prototype: object, name: string, method: object): Dto<object> | undefined {
  if (Reflect.getMetadata(METHOD_METADATA, method) !== RequestMethod.GET) return undefined;
  if ([controller, method].some(hasMore)) return undefined;
  const parameters = Object.values(Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) ?? {}) as {
    readonly factory?: unknown;
    readonly pipes?: readonly unknown[];
  }[];
  const types = (Reflect.getMetadata(PARAMTYPES_METADATA, prototype, name) ?? []) as unknown[];
  const [parameter] = parameters;
  const [type] = types;
  const alone = parameters.length === 1 && types.length === 1 && parameter?.factory === requestFactory;
  return alone && parameter?.pipes?.length === 0 && isDto(type) ? type : undefined;
}

/** Guards, interceptors, headers and the like of its own: Nest looks after them. */
function hasMore(target: object): boolean {
  const keys = Reflect.getMetadataKeys(target) as unknown[];
  return keys.some((key) => ofNests.test(String(key)) && Reflect.getMetadata(key, target) !== undefined);
}
