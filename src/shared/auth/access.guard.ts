import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Access } from '../contract/contract';
import { RouteTable } from '../contract/route-table';
import { forbidden } from '../errors/common.errors';
import type { Caller } from '../tracing/request-context';
import { Authenticator } from './authenticator';
import { countHops, hasCaller, nameCaller, nameClient } from './caller';
import { behalfHeaders, type Credentials, credentialsOf } from './credentials';

type Call = Pick<ServerUnaryCall<unknown, unknown>, 'getPath'>;

// Calls that no feature has: health for orchestrators, and the API's description.
const openServices = /^\/grpc\.(health|reflection)\.v1(alpha)?\.[A-Za-z]+\//;

/**
 * One guard for both wires; what a call needs is in its contract. A route that nobody declared is the admin's. Names the
 * caller, also of public calls: there nobody's credentials are looked at, so that a stale token does no harm. The servers
 * ask by `admitRequest` and `admitCall` before they read or decode a message; what comes here unasked is refused.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly routes: RouteTable,
    private readonly authenticator: Authenticator,
  ) {}

  canActivate(context: ExecutionContext): true {
    if (!hasCaller() && !this.isHot(context)) throw forbidden();
    return true;
  }

  /** Admits an HTTP request by its route and headers alone. @throws AppError when it may not */
  admitRequest(request: FastifyRequest): true | Promise<true> {
    const { headers } = request;
    this.believe((name) => headers[name]?.toString());
    return this.admit(httpAccess(request), () => credentialsOf(headers, hostOf(request)));
  }

  /** Admits a gRPC call by its path and metadata alone. @throws AppError when it may not */
  admitCall(path: string, metadata: Metadata, host: string): true | Promise<true> {
    const text = (name: string): string | undefined => metadata.get(name)[0]?.toString();
    this.believe(text);
    return this.admit(grpcAccess(this.routes, path), () => credentialsOf(textOf(metadata), host));
  }

  /** A hot route is public and has no context in which its caller could be named. */
  private isHot(context: ExecutionContext): boolean {
    if (context.getType() === 'http')
      return context.switchToHttp().getRequest<FastifyRequest>().routeOptions.config.entry?.route?.hot === true;
    const call = (context.getArgs() as unknown[]).find(isCall);
    return call !== undefined && this.routes.grpc(call.getPath())?.route?.hot === true;
  }

  /** Limits count who has called the process that calls here, also of public calls. @throws AppError misrouted, secret_unknown */
  private believe(said: (name: string) => string | undefined): void {
    const [hops, client] = [said(behalfHeaders.hops), said(behalfHeaders.clientAddress)];
    if (hops === undefined && client === undefined) return;
    if (!this.authenticator.believes(said('authorization'))) return;
    if (hops !== undefined) countHops(hops);
    if (client !== undefined) nameClient(client);
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
  const { entry, open } = request.routeOptions.config;
  return entry?.access ?? open ?? 'admin';
}

function isCall(value: unknown): value is Call {
  return typeof value === 'object' && value !== null && 'getPath' in value;
}

/** The host that is asked for: of the target where that is a whole URL. Source: RFC 9112, 3.2.2 */
function hostOf({ raw, headers }: FastifyRequest): string | undefined {
  const target = raw.url ?? '/';
  return target.startsWith('/') ? headers.host : /^[a-z]{1,16}:\/\/([^/?#]{0,300})/i.exec(target)?.[1];
}

/** Health and reflection are nobody's in particular. */
function grpcAccess(routes: RouteTable, path: string): Access {
  return routes.grpc(path)?.access ?? (openServices.test(path) ? 'public' : 'admin');
}

function textOf(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata.getMap()).map(([name, value]) => [name, String(value)]));
}
