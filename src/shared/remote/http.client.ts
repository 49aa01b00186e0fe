import { type Dispatcher, Pool } from 'undici';
import type { SignedMessage } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { type Contract, isInQuery, type Route } from '../contract/contract';
import { keyOf } from '../contract/keyed';
import { validationFailed } from '../errors/common.errors';
import { currentContext } from '../tracing/request-context';
import { fromTransport, readAnswer } from './http.answer';
import { type Remote, type RemoteOptions, remote } from './remote';

const connections = 64;
const maxAnswerBytes = 8 * 1024 * 1024;

/** The calls of a contract over HTTP. `baseUrl`: `http://host:port`, perhaps with a path that goes before every route. */
export function httpClient<Api extends object>(
  contract: Contract<Api>,
  baseUrl: string,
  options: RemoteOptions = {},
): Remote<Api> {
  const { origin, pathname } = new URL(baseUrl);
  const prefix = pathname.replace(/\/$/, '');
  // The time limit is each request's own; undici's are coarse and would come on top.
  const pool = new Pool(origin, { connections, headersTimeout: 0, bodyTimeout: 0, maxResponseSize: maxAnswerBytes });
  const send = async (_method: string, route: Route, message: object, ms: number): Promise<object> => {
    const request = toRequest(route, message as Record<string, unknown>, prefix);
    Object.assign(request.headers, commonHeaders(options), keyHeader(message));
    try {
      const signal = AbortSignal.timeout(Math.max(1, Math.ceil(ms)));
      return await readAnswer(await pool.request({ ...request, signal }));
    } catch (error) {
      throw fromTransport(error);
    }
  };
  return remote(contract, send, () => pool.destroy(), options);
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
  if (route.rawBody) {
    const signed = message as unknown as SignedMessage;
    return { method, path: prefix + template, headers: signedHeaders(signed), body: signed.body };
  }
  const rest = new Map(Object.entries(message).filter(([, value]) => value !== undefined));
  const path = template.replace(/:([A-Za-z]+)/g, (_all, name: string) => {
    const value = String(rest.get(name) ?? '');
    if (value === '') throw validationFailed([{ field: name, message: 'is required' }]);
    rest.delete(name);
    return encodeURIComponent(value);
  });
  if (!isInQuery(route)) {
    const body = JSON.stringify(Object.fromEntries(rest));
    return { method, path: prefix + path, headers: { 'content-type': 'application/json' }, body };
  }
  const query = new URLSearchParams(
    [...rest].map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  return { method, path: prefix + path + (query === '' ? '' : `?${query}`), headers: {} };
}

/** The spelling that the signatures have: X-Signature, or Standard Webhooks. */
function signedHeaders({ id, timestamp, keyId, signatures }: SignedMessage): Record<string, string> {
  const type = { 'content-type': 'application/json' };
  if (signatures.some((signature) => signature.startsWith('v1,'))) {
    return {
      ...type,
      'webhook-id': id,
      'webhook-timestamp': `${timestamp}`,
      'webhook-signature': signatures.join(' '),
    };
  }
  const parts = [`t=${timestamp}`, ...(keyId === '' ? [] : [`kid=${keyId}`]), ...signatures.map((hex) => `v1=${hex}`)];
  return { ...type, 'idempotency-key': id, 'x-signature': parts.join(',') };
}

function keyHeader(message: object): Record<string, string> {
  const key = keyOf(message);
  return key === undefined ? {} : { 'idempotency-key': key };
}

function commonHeaders({ bearer }: RemoteOptions): Record<string, string> {
  const traceId = currentContext()?.traceId;
  return {
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    ...(traceId === undefined ? {} : { 'x-trace-id': traceId }),
  };
}
