import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http';
import {
  createServer as createHttp2Server,
  type IncomingHttpHeaders as Http2Headers,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { progressionContract } from '../../src/features/progression/progression.api';
import type { Progress } from '../../src/generated/aerie/progression/v1/progression';
import { grpcError } from '../../src/shared/contract/grpc.status';
import { errorBody } from '../../src/shared/contract/http.error-body';
import { loaderOptions, protoFile } from '../../src/shared/contract/proto';
import { AppError } from '../../src/shared/errors/app-error';

/** What happens to one request: its connection is cut, it is never answered, it fails, or it succeeds. */
export type Fate = 'cut' | 'hang' | 'answer' | AppError;

/** A stand-in for a server in trouble, since a healthy one cannot be made to fail on the third request. */
export interface FlakyServer extends AsyncDisposable {
  readonly url: string;
  /** The headers of every request that arrived. */
  readonly requests: (IncomingHttpHeaders | Http2Headers)[];
}

export const progress: Progress = {
  playerId: 'player-1',
  xp: 1250,
  level: 2,
  xpIntoLevel: 250,
  xpForNextLevel: 750,
  bossKills: 1,
  dropsClaimed: 0,
  version: 3,
  updatedAt: '2026-11-21T10:00:00.000Z',
};

/** Deals with requests in this order, with every later one as with the last. */
export function flakyServer(wire: 'http' | 'grpc', ...fates: Fate[]): Promise<FlakyServer> {
  const requests: FlakyServer['requests'] = [];
  const next = (headers: IncomingHttpHeaders | Http2Headers): Fate => {
    requests.push(headers);
    return fates[Math.min(requests.length, fates.length) - 1] ?? 'answer';
  };
  return opened(wire, wire === 'http' ? httpServer(next) : grpcServer(next), requests);
}

async function opened(wire: string, server: Server, requests: FlakyServer['requests']): Promise<FlakyServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  const url = `${wire}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, requests, [Symbol.asyncDispose]: close };
}

function httpServer(next: (headers: IncomingHttpHeaders) => Fate): Server {
  return createHttpServer((request, response) => {
    const fate = next(request.headers);
    if (fate === 'hang') return;
    if (fate === 'cut') {
      request.socket.destroy();
      return;
    }
    const { retryAfterMs } = fate === 'answer' ? {} : fate.details;
    const delay = retryAfterMs === undefined ? {} : { 'retry-after': String(retryAfterMs / 1000) };
    const [status, body] = fate === 'answer' ? [200, progress] : [fate.httpStatus, errorBody(fate, 'trace')];
    response.writeHead(status, { 'content-type': 'application/json', ...delay }).end(JSON.stringify(body));
  });
}

function grpcServer(next: (headers: Http2Headers) => Fate): Server {
  return createHttp2Server().on('stream', (stream, headers) => {
    stream.on('error', () => stream.destroy());
    const fate = next(headers);
    if (fate === 'cut') stream.session?.destroy();
    else if (fate instanceof AppError) {
      const { code, message, metadata } = grpcError(fate);
      const trailers = {
        'grpc-status': String(code),
        'grpc-message': encodeURI(message),
        ...metadata.toHttp2Headers(),
      };
      stream.respond({ 'content-type': 'application/grpc', ...trailers }, { endStream: true });
    } else if (fate === 'answer') answer(stream);
  });
}

function answer(stream: ServerHttp2Stream): void {
  const service = loadSync(protoFile(progressionContract), loaderOptions)[
    'aerie.progression.v1.ProgressionService'
  ] as ServiceDefinition;
  const bytes = service.GetProgress?.responseSerialize(progress) ?? Buffer.alloc(0);
  // A gRPC message: not compressed, then its length (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.concat([head, bytes]));
}
