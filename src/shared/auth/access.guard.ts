import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Access } from '../rpc/contract';
import { RouteTable } from '../rpc/route-table';
import { Authenticator } from './authenticator';
import { type Caller, nameCaller } from './caller';
import { type Credentials, credentialsOf } from './credentials';

type Call = Pick<ServerUnaryCall<unknown, unknown>, 'metadata' | 'getPath' | 'getHost'>;

// Routes that are not features' calls: health for orchestrators, metrics for the scraper, the API's description, keys.
const openPaths = /^\/(health\/live|health\/ready|healthz|metrics|docs(\/.*)?|\.well-known\/jwks\.json)$/;

/**
 * One guard for both wires; what a call needs is in its contract. A route that nobody declared is the admin's. Names the
 * caller, also of public calls: there nobody's credentials are looked at, so that a stale token does no harm.
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
    const access = (call && this.routes.grpc(call.getPath())?.access) ?? 'admin';
    return this.admit(access, () => (call ? grpcCredentials(call) : { forwarded: false }));
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
  return typeof value === 'object' && value !== null && 'getPath' in value && 'metadata' in value;
}

function grpcCredentials(call: Call): Credentials {
  return credentialsOf(textOf(call.metadata), call.getHost());
}

function textOf(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata.getMap()).map(([name, value]) => [name, String(value)]));
}
