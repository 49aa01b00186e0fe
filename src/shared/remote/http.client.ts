import type { Dispatcher } from 'undici';
import { type CallMeta, type Contract, isInQuery, type Route } from '../contract/contract';
import { type SignedCall, writeSigned } from '../contract/signed-call';
import { validationFailed } from '../errors/common.errors';
import type { Wire } from './endpoint';
import { fromTransport, readAnswer } from './http.answer';
import { HttpBalancer } from './http.balancer';
import { type Remote, type RemoteOptions, remote, type Send } from './remote';
import { resolveName } from './resolve-name';
import { traceHeaders } from './trace-headers';

/** The calls of a contract over HTTP. `baseUrl`: `http://host:port`, perhaps with a path that goes before every route. */
export function httpClient<Api extends object>(
  contract: Contract<Api>,
  baseUrl: string,
  options: RemoteOptions = {},
): Remote<Api> {
  const { send, close } = httpSend(baseUrl, options);
  return remote(contract, send, close, options);
}

/** Sends messages to one origin over HTTP. */
export function httpSend(baseUrl: string, options: RemoteOptions): Wire {
  const url = new URL(baseUrl);
  const prefix = url.pathname.replace(/\/$/, '');
  const { machine } = options;
  const balancer = new HttpBalancer(url, machine === undefined ? resolveName : async () => [machine]);
  const send: Send = async (method, route, message, meta, ms) => {
    const request = toRequest(route, message as Record<string, unknown>, prefix);
    Object.assign(request.headers, commonHeaders(options, meta));
    try {
      const signal = AbortSignal.timeout(Math.max(1, Math.ceil(ms)));
      return await readAnswer(await balancer.request({ ...request, signal }), options.replays?.(method) ?? 'effect');
    } catch (error) {
      throw fromTransport(error);
    }
  };
  const probe = async (ms: number): Promise<void> => {
    try {
      const signal = AbortSignal.timeout(ms);
      const { body } = await balancer.request({ method: 'GET', path: `${prefix}/health/live`, signal });
      await body.dump();
    } catch (error) {
      throw fromTransport(error);
    }
  };
  return { send, probe, close: () => balancer.close(), gone: () => balancer.gone };
}

interface HttpRequest {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string | Buffer;
}

/** A message as its URL spells it: path parameters, then the query of a read or the JSON body of anything else. */
function toRequest(route: Route, message: Record<string, unknown>, prefix: string): HttpRequest {
  const [method, template] = route.http.split(' ') as [Dispatcher.HttpMethod, string];
  const rest = new Map(Object.entries(message).filter(([, value]) => value !== undefined));
  const path = template.replace(/:([A-Za-z]+)/g, (_all, name: string) => {
    const value = String(rest.get(name) ?? '');
    if (value === '') throw validationFailed([{ field: name, message: 'is required' }]);
    rest.delete(name);
    return encodeURIComponent(value);
  });
  if (route.signed) {
    const signed = message as unknown as SignedCall;
    const headers = { 'content-type': 'application/json', ...writeSigned(route.signed, signed) };
    return { method, path: prefix + path, headers, body: signed.body };
  }
  if (!isInQuery(route)) {
    const body = JSON.stringify(Object.fromEntries(rest));
    return { method, path: prefix + path, headers: { 'content-type': 'application/json' }, body };
  }
  const query = new URLSearchParams(
    [...rest].map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  return { method, path: prefix + path + (query === '' ? '' : `?${query}`), headers: {} };
}

function commonHeaders({ bearer, headers }: RemoteOptions, meta: CallMeta): Record<string, string> {
  const { idempotencyKey } = meta;
  return {
    ...headers?.(),
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    ...traceHeaders(meta),
  };
}
