import type { Trace } from '../tracing/trace';
import type { SignedSpelling } from './signed-call';

/**
 * The callers of a route. `optional`: everybody; whoever presents credentials is known by them, and wrong ones are refused. `token`: whoever presents a valid token of their own. `player`: the player whose data it is, and admins.
 * `admin`: administrators, operators and other processes.
 */
export type Access = 'public' | 'optional' | 'token' | 'player' | 'admin';

interface RouteBase {
  /** `GET /players/:playerId/progress` */
  readonly http: `${'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'} /${string}`;
  /** Bytes; 64 KiB unless told. */
  readonly bodyLimit?: number;
  /** The body is signed, so it stays bytes; how its signatures stand in headers. The message is a `SignedCall`. */
  readonly signed?: SignedSpelling;
  /** HTTP: the message is in the query, as of a read, although it is a POST. */
  readonly inQuery?: true;
  /** Where what the call has made is: the path of a read, filled from the answer. HTTP: `Location`. */
  readonly location?: `/${string}`;
  /** Servers alone call it: its answers lack the headers that are for browsers, which cost a tenth of a small request. */
  readonly browsers?: false;
  /** Between processes, over gRPC, such calls travel in groups on one stream: those that come by the hundred a second. */
  readonly grouped?: true;
  /** Set when trying again is safe, should the first answer not be heard: for reads, and for what says the same twice. */
  readonly retry?: true;
}

/**
 * How a call is reached, and by whom. A hot one is served without a request context, which costs 13 %, so nobody is named
 * there and it can only be public; whoever needs the trace id takes it as a parameter.
 */
export type Route = RouteBase &
  (
    | { readonly access: 'public'; readonly hot?: true }
    | { readonly access: Exclude<Access, 'public'>; readonly hot?: never }
  );

/** True when the message of a call stands in the path and the query over HTTP; otherwise it is in path and body. */
export function isInQuery(route: Route): boolean {
  return route.inQuery === true || route.http.startsWith('GET ') || route.http.startsWith('DELETE ');
}

/** Methods of a service that have no HTTP spelling, such as streams. */
export type StreamAccess = Readonly<Record<string, Access>>;

/**
 * All that is said once about a feature's public calls: other features, other processes, both servers, the
 * client library and the OpenAPI document read it from here. Routes are keyed by the token's methods: a missing
 * one does not compile.
 */
export interface Contract<Api extends object> {
  /** The feature, as MODULES spells it. */
  readonly name: string;
  readonly token: abstract new () => Api;
  readonly proto: { readonly package: string; readonly service: string };
  readonly routes: { readonly [Method in keyof Api]: Route };
  readonly streams?: StreamAccess;
  /** Those of the streams that say goodbye by themselves, once the process that leaves is no longer asked for new ones. */
  readonly lasting?: readonly string[];
}

/** Any contract, for code that handles them all alike. */
export interface AnyContract {
  readonly name: string;
  readonly token: abstract new () => object;
  readonly proto: { readonly package: string; readonly service: string };
  readonly routes: Readonly<Record<string, Route>>;
  readonly streams?: StreamAccess;
  readonly lasting?: readonly string[];
}

/** Travels with a call's message: HTTP carries it in headers, gRPC as metadata. */
export interface CallMeta {
  /** The same key of the same caller has one effect and one answer for a day. */
  readonly idempotencyKey?: string | undefined;
  /** Of a hot call, which has no request context. */
  readonly trace?: Trace;
}

/** A call that takes what travels with its message. */
export type WithMeta<Call> = Call extends (request: infer Request) => infer Answer
  ? (request: Request, meta?: CallMeta) => Answer
  : never;
