import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { forbidden } from '../errors/common.errors';
import type { Access } from '../rpc/contract';
import { RouteTable } from '../rpc/route-table';
import { Authenticator } from './authenticator';
import { type Caller, hasCaller, nameCaller } from './caller';
import { type Credentials, credentialsOf } from './credentials';

type Call = Pick<ServerUnaryCall<unknown, unknown>, 'getPath'>;

// Routes that are not features' calls: health for orchestrators, metrics for the scraper, the API's description, keys.
const openServices = /^\/grpc\.(health|reflection)\.v1(alpha)?\.[A-Za-z]+\//;
const openPaths = /^\/(health\/live|health\/ready|healthz|metrics|docs(\/.*)?|\.well-known\/jwks\.json)$/;

/**
 * One guard for both wires; what a call needs is in its contract. A route that nobody declared is the admin's. Names the
 * caller, also of public calls: there nobody's credentials are looked at, so that a stale token does no harm. gRPC asks by
 * `admitCall` before the message is decoded; what comes here unasked is refused.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly routes: RouteTable,
    private readonly authenticator: Authenticator,
  ) {}

  canActivate(context: ExecutionContext): true | Promise<true> {
    if (context.getType() === 'http') {
      const request = context.switchToHttp().getRequest<FastifyRequest>();
      return this.admit(httpAccess(request), () => credentialsOf(request.headers, request.headers.host));
    }
    const call = (context.getArgs() as unknown[]).find(isCall);
    if (!hasCaller() && !(call && this.routes.grpc(call.getPath())?.route?.hot)) throw forbidden();
    return true;
  }

  /** Whether a gRPC call may be made, by its path and metadata alone. @throws AppError when it may not */
  admitCall(path: string, metadata: Metadata, host: string): true | Promise<true> {
    return this.admit(grpcAccess(this.routes, path), () => credentialsOf(textOf(metadata), host));
  }

  private admit(access: Access, credentials: () => Credentials): true | Promise<true> {
    if (access !== 'public') return this.authenticator.identify(access, credentials()).then(name);
    return name({ kind: 'anonymous' });
  }
}

function name(caller: Caller): true {
  nameCaller(caller);
  return true;
}

function httpAccess(request: FastifyRequest): Access {
  const entry = request.routeOptions.config.entry;
  if (entry) return entry.access;
  return openPaths.test(request.routeOptions.url ?? '') ? 'public' : 'admin';
}

function isCall(value: unknown): value is Call {
  return typeof value === 'object' && value !== null && 'getPath' in value;
}

/** Health and reflection are nobody's in particular. */
function grpcAccess(routes: RouteTable, path: string): Access {
  return routes.grpc(path)?.access ?? (openServices.test(path) ? 'public' : 'admin');
}

function textOf(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata.getMap()).map(([name, value]) => [name, String(value)]));
}
