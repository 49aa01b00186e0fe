import { Injectable } from '@nestjs/common';
import type { CallDocs } from './call-docs';
import type { Access, AnyContract, Route } from './contract';
import type { Page } from './page';

/** One call as both servers know it. */
export interface RouteEntry {
  /** The feature, or `app`. */
  readonly service: string;
  readonly method: string;
  readonly access: Access;
  readonly route?: Route;
  /** A stream that says goodbye by itself when the process leaves. */
  readonly lasting?: true;
  /** HTTP status of success. */
  readonly status: number;
  /** Where what it makes is: a template that the answer fills. */
  readonly location: string | undefined;
}

interface HttpRoute {
  readonly method: string;
  readonly pattern: RegExp;
}

/**
 * Every call this process serves: by HTTP method and template, and by gRPC path. Filled at start by the features'
 * modules (calls) and by the HTTP server (which routes exist at all); read by guard, servers and OpenAPI.
 */
@Injectable()
export class RouteTable {
  readonly contracts: { readonly contract: AnyContract; readonly docs: Readonly<Record<string, CallDocs>> }[] = [];
  /** The pages beside the calls. */
  readonly pages: Page[] = [];
  private readonly byHttp = new Map<string, RouteEntry>();
  private readonly byGrpc = new Map<string, RouteEntry>();
  private readonly httpRoutes: HttpRoute[] = [];

  add(contract: AnyContract, docs: Readonly<Record<string, CallDocs>>): void {
    this.contracts.push({ contract, docs });
    for (const [method, route] of Object.entries(contract.routes)) {
      const { access, location } = route;
      const entry = { service: contract.name, method, access, route, status: docs[method]?.status ?? 200, location };
      this.byHttp.set(route.http, entry);
      this.byGrpc.set(grpcPath(contract, method), entry);
    }
    for (const [method, access] of Object.entries(contract.streams ?? {})) {
      this.byGrpc.set(grpcPath(contract, method), {
        service: contract.name,
        method,
        access,
        status: 200,
        location: undefined,
        ...(contract.lasting?.includes(method) && { lasting: true }),
      });
    }
  }

  /** `template` as registered: `/players/:playerId/progress`. */
  http(method: string, template: string): RouteEntry | undefined {
    return this.byHttp.get(`${method === 'HEAD' ? 'GET' : method} ${template}`);
  }

  /** `path` as on the wire: `/aerie.users.v1.UserService/GetUser`. */
  grpc(path: string): RouteEntry | undefined {
    return this.byGrpc.get(path);
  }

  /** The page that is served there, beside the calls. */
  page(method: string, path: string): Page | undefined {
    if (method !== 'GET' && method !== 'HEAD') return undefined;
    return this.pages.find(({ http }) => http === `GET ${path}`);
  }

  registered(method: string, template: string): void {
    const pattern = template
      .split('/')
      .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
    this.httpRoutes.push({ method, pattern: new RegExp(`^${pattern.join('/')}$`) });
  }

  /** The methods that a concrete path has; empty when the path is unknown. */
  methodsOf(path: string): string[] {
    return [
      ...new Set(this.httpRoutes.filter((route) => route.pattern.test(path)).map((route) => route.method)),
    ].sort();
  }
}

export function grpcPath(contract: AnyContract, method: string): string {
  return `/${contract.proto.package}.${contract.proto.service}/${method.charAt(0).toUpperCase()}${method.slice(1)}`;
}
