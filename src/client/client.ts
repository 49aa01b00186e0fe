import { ulid } from 'ulid';
import { EventsGatewayApi, eventsGatewayContract } from '../features/events-gateway/events-gateway.api';
import { FairnessApi, fairnessContract } from '../features/fairness/fairness.api';
import { LeaderboardApi, leaderboardContract } from '../features/leaderboard/leaderboard.api';
import { ProgressionApi, progressionContract } from '../features/progression/progression.api';
import type {
  IngestBatchResponse,
  IngestResponse,
  SignedMessage,
} from '../generated/aerie/events_gateway/v1/events_gateway';
import type { Leaderboard, WatchLeaderboardRequest } from '../generated/aerie/leaderboard/v1/leaderboard';
import { validationFailed } from '../shared/errors/common.errors';
import type { Contract } from '../shared/rpc/contract';
import { GrpcChannel, grpcClient } from '../shared/rpc/grpc.client';
import { httpClient } from '../shared/rpc/http.client';
import type { Remote, RemoteOptions } from '../shared/rpc/remote';
import { EventStream } from './event-stream';
import { complete, type GameEvent } from './game-event';
import { Signer, type SigningKey } from './signer';
import { watchByAsking, watchStream } from './watch';

export interface ClientOptions extends RemoteOptions {
  /** `http://host:port`, `https://`, `grpc://` or `grpcs://`. */
  readonly url: string;
  /** Signs events. Keys are for game servers: never ship one in a game client. */
  readonly key: SigningKey;
}

/**
 * Aerie from a game server: sends signed events, reads progress and leaderboards, claims and verifies rewards, over HTTP or gRPC alike.
 * Every call has a deadline, every failure is an AppError, and what is safe to send again is tried again.
 */
export class AerieClient implements AsyncDisposable {
  /** The events gateway's calls. */
  readonly events: EventsGatewayApi;
  /** Progress, rewards, receipts. */
  readonly progression: ProgressionApi;
  /** Rules, blocks, flags: for operators. */
  readonly fairness: FairnessApi;
  /** Boards, ranks, snapshots. */
  readonly leaderboard: LeaderboardApi;
  private readonly signer: Signer;
  private readonly open: AsyncDisposable[] = [];

  constructor(private readonly options: ClientOptions) {
    this.signer = new Signer(options.key);
    this.events = this.connect(eventsGatewayContract);
    this.progression = this.connect(progressionContract);
    this.fairness = this.connect(fairnessContract);
    this.leaderboard = this.connect(leaderboardContract);
  }

  /** Resolves once the event is durable: `accepted`, or `duplicate` when its id already was. */
  sendEvent(event: GameEvent): Promise<IngestResponse> {
    const { id, ...body } = complete(event);
    return this.events.ingest(this.signer.sign(id, body));
  }

  /** 1 to 500 events under one signature; each has its own result, in order. */
  sendBatch(events: readonly GameEvent[]): Promise<IngestBatchResponse> {
    return this.events.ingestBatch(this.signer.sign(ulid(), { events: events.map(complete) }));
  }

  /** A stream for very many events. Only over gRPC. Close it when done. */
  openStream(): EventStream {
    if (!isGrpc(this.options.url)) {
      throw validationFailed([{ field: 'url', message: 'must be grpc://host:port for a stream' }]);
    }
    const channel = new GrpcChannel(eventsGatewayContract, this.options.url, this.options);
    this.open.push(channel);
    const call = channel.duplex<SignedMessage, IngestBatchResponse>('ingestStream');
    return new EventStream(call, this.signer, this.options.deadlineMs);
  }

  /** A board now, and again whenever it has changed: pushed over gRPC, asked for every second over HTTP. */
  watchLeaderboard(request: WatchLeaderboardRequest): AsyncIterable<Leaderboard> {
    if (!isGrpc(this.options.url)) return watchByAsking(this.leaderboard, request);
    const channel = new GrpcChannel(leaderboardContract, this.options.url, this.options);
    this.open.push(channel);
    return watchStream(channel, request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.open.splice(0).map((connection) => connection[Symbol.asyncDispose]()));
  }

  private connect<Api extends object>(contract: Contract<Api>): Remote<Api> {
    const { url } = this.options;
    const api = (isGrpc(url) ? grpcClient : httpClient)(contract, url, this.options);
    this.open.push(api);
    return api;
  }
}

function isGrpc(url: string): boolean {
  return url.startsWith('grpc://') || url.startsWith('grpcs://');
}
