import { setTimeout as delay } from 'node:timers/promises';
import { ulid } from 'ulid';
import { AuthApi, authContract } from '../features/auth/auth.api';
import { ChatApi, chatContract } from '../features/chat/chat.api';
import { ConsoleApi, consoleContract } from '../features/console/console.api';
import { EventsGatewayApi, eventsGatewayContract } from '../features/events-gateway/events-gateway.api';
import { FairnessApi, fairnessContract } from '../features/fairness/fairness.api';
import { LeaderboardApi, leaderboardContract } from '../features/leaderboard/leaderboard.api';
import { PaymentsApi, paymentsContract } from '../features/payments/payments.api';
import { ProgressionApi, progressionContract } from '../features/progression/progression.api';
import { QueueApi, queueContract } from '../features/queue/queue.api';
import { ReservationsApi, reservationsContract } from '../features/reservations/reservations.api';
import { UsersApi, usersContract } from '../features/users/users.api';
import type {
  IngestBatchResponse,
  IngestResponse,
  SignedMessage,
} from '../generated/aerie/events_gateway/v1/events_gateway';
import type { Leaderboard, WatchLeaderboardRequest } from '../generated/aerie/leaderboard/v1/leaderboard';
import type { Contract } from '../shared/contract/contract';
import { validationFailed } from '../shared/errors/common.errors';
import { ProcessesApi, processesContract } from '../shared/processes/processes.api';
import { GrpcChannel, grpcClient, received } from '../shared/remote/grpc.client';
import { httpClient } from '../shared/remote/http.client';
import type { Remote, RemoteOptions } from '../shared/remote/remote';
import { type ChatLink, type ChatListener, grpcChatLink, webSocketChatLink } from './chat-link';
import { EventStream } from './event-stream';
import { complete, type GameEvent } from './game-event';
import { Signer, type SigningKey } from './signer';

const askEveryMs = 1000;

export interface ClientOptions extends RemoteOptions {
  /** `http://host:port`, `https://`, `grpc://` or `grpcs://`. */
  readonly url: string;
  /** Signs events. Keys are for game servers: never ship one in a game client. */
  readonly key?: SigningKey;
}

/**
 * Aerie from a game server or a tool: accounts, signed events, progress, leaderboards, rewards, over HTTP or gRPC alike.
 * Every call has a deadline, every failure is an AppError, and what is safe to send again is tried again.
 */
export class AerieClient implements AsyncDisposable {
  /** The users. `createUser(request, { idempotencyKey })` may be sent again: the same key makes one user. */
  readonly users: UsersApi;
  /** Registration, login, tokens. `as(accessToken)` is the client of who has logged in. */
  readonly auth: AuthApi;
  /** The events gateway's calls. */
  readonly events: EventsGatewayApi;
  /** Progress, rewards, receipts. */
  readonly progression: ProgressionApi;
  /** Rules, blocks, flags: for operators. */
  readonly fairness: FairnessApi;
  /** Boards, ranks, snapshots. */
  readonly leaderboard: LeaderboardApi;
  /** Chat by calls: who is there, what was said, and for moderators. `openChat` joins the conversation. */
  readonly chat: ChatApi;
  /** Sales, holds, tickets. `createReservation(request, { idempotencyKey })` needs a key. */
  readonly reservations: ReservationsApi;
  /** Payments of reservations; every command needs a key, too. */
  readonly payments: PaymentsApi;
  /** Waiting rooms of sales. */
  readonly queue: QueueApi;
  /** The processes of which the system consists: for operators. */
  readonly processes: ProcessesApi;
  /** The numbers of the process that answers: for operators. */
  readonly console: ConsoleApi;
  private readonly signer: Signer | undefined;
  private readonly open: AsyncDisposable[] = [];

  constructor(private readonly options: ClientOptions) {
    this.signer = options.key && new Signer(options.key);
    this.users = this.connect(usersContract);
    this.auth = this.connect(authContract);
    this.events = this.connect(eventsGatewayContract);
    this.progression = this.connect(progressionContract);
    this.fairness = this.connect(fairnessContract);
    this.leaderboard = this.connect(leaderboardContract);
    this.chat = this.connect(chatContract);
    this.reservations = this.connect(reservationsContract);
    this.payments = this.connect(paymentsContract);
    this.queue = this.connect(queueContract);
    this.processes = this.connect(processesContract);
    this.console = this.connect(consoleContract);
  }

  /** The same server for whoever bears this token. To be disposed of by itself. */
  as(accessToken: string): AerieClient {
    return new AerieClient({ ...this.options, bearer: accessToken });
  }

  /** Resolves once the event is durable: `accepted`, or `duplicate` when its id already was. */
  async sendEvent(event: GameEvent): Promise<IngestResponse> {
    const { id, ...body } = complete(event);
    return this.events.ingest(this.signing().sign(id, body));
  }

  /** 1 to 500 events under one signature; each has its own result, in order. */
  async sendBatch(events: readonly GameEvent[]): Promise<IngestBatchResponse> {
    return this.events.ingestBatch(this.signing().sign(ulid(), { events: events.map(complete) }));
  }

  /** A stream for very many events. Only over gRPC. Close it when done. */
  openStream(): EventStream {
    if (!isGrpc(this.options.url)) {
      throw validationFailed([{ field: 'url', message: 'must be grpc://host:port for a stream' }]);
    }
    const signer = this.signing();
    const channel = new GrpcChannel(eventsGatewayContract, this.options.url, this.options);
    this.open.push(channel);
    const call = channel.duplex<SignedMessage, IngestBatchResponse>('ingestStream');
    return new EventStream(call, signer, this.options.deadlineMs);
  }

  /**
   * A connection to the conversation, over gRPC or WebSocket: frames both ways, of which the first is `hello`. To be closed
   * by itself.
   */
  openChat(listener: ChatListener): ChatLink {
    const { url, bearer } = this.options;
    if (!isGrpc(url)) return webSocketChatLink(url, bearer, listener);
    return grpcChatLink(new GrpcChannel(chatContract, url, this.options), listener);
  }

  /** A board now, and again whenever it has changed: pushed over gRPC, asked for every second over HTTP. */
  watchLeaderboard(request: WatchLeaderboardRequest): AsyncIterable<Leaderboard> {
    if (!isGrpc(this.options.url)) return watchByAsking(this.leaderboard, request);
    const channel = new GrpcChannel(leaderboardContract, this.options.url, this.options);
    this.open.push(channel);
    return received(channel.serverStream<Leaderboard>('watchLeaderboard', request));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.open.splice(0).map((connection) => connection[Symbol.asyncDispose]()));
  }

  private signing(): Signer {
    if (!this.signer) throw validationFailed([{ field: 'key', message: 'is required to sign events' }]);
    return this.signer;
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

/** For HTTP, which has no stream of boards. */
async function* watchByAsking(api: LeaderboardApi, request: WatchLeaderboardRequest): AsyncGenerator<Leaderboard> {
  for (let told = ''; ; await delay(askEveryMs)) {
    const board = await api.getLeaderboard(request);
    const text = JSON.stringify(board);
    if (text !== told) yield board;
    told = text;
  }
}
