import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Access } from '../rpc/contract';
import { RouteTable } from '../rpc/route-table';
import { Authenticator } from './authenticator';
import { type Credentials, credentialsOf } from './caller';

type Call = Pick<ServerUnaryCall<unknown, unknown>, 'metadata' | 'getPath' | 'getHost'>;

// Routes that are not features' calls: health for orchestrators, metrics for the scraper, the API's description.
const openPaths = /^\/(health\/live|health\/ready|healthz|metrics|docs(\/.*)?)$/;

/** One guard for both wires; what a call needs is in its contract. A route that nobody declared is the admin's. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly routes: RouteTable,
    private readonly authenticator: Authenticator,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() === 'http') {
      const request = context.switchToHttp().getRequest<FastifyRequest>();
      const access = httpAccess(request);
      if (access !== 'public') this.authenticator.check(access, credentialsOf(request.headers, request.headers.host));
      return true;
    }
    const call = (context.getArgs() as unknown[]).find(isCall);
    const access = (call && this.routes.grpc(call.getPath())?.access) ?? 'admin';
    if (access !== 'public') this.authenticator.check(access, call ? grpcCredentials(call) : { forwarded: false });
    return true;
  }
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
