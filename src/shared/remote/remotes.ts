import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Seldom } from '../async/seldom';
import { Config, type Place } from '../config/config';
import type { AnyContract, Contract } from '../contract/contract';
import { unavailable } from '../errors/common.errors';
import { toAppError } from '../errors/to-app-error';
import { type CheckResult, Readiness } from '../health/readiness';
import { Metrics } from '../metrics/metrics';
import { Endpoint, type EndpointState, isSilence, MisplacedError } from './endpoint';
import { GrpcChannel, grpcClient, grpcTls } from './grpc.client';
import { httpClient, httpSend } from './http.client';
import { onBehalf } from './on-behalf';
import { type Remote, type RemoteOptions, type Replays, remote, type Send } from './remote';
import { RetryBudget } from './retry-budget';

const deadlineMs = 5000;
const tellEveryMs = 30_000;
const levels = { closed: 0, 'half-open': 1, open: 2 } as const;

/** The breaker of one address. */
export interface Circuit {
  readonly dependency: string;
  /** host:port */
  readonly address: string;
  readonly state: EndpointState;
}

/** A feature elsewhere, as the process finds it. */
export interface Elsewhere {
  readonly contract: AnyContract;
  readonly replays: (method: string) => Replays;
}

/**
 * The features that run elsewhere: their addresses with breakers, shared by all that ask them. Calls take turns among the
 * addresses of a wire; one that does not answer is left out.
 */
@Injectable()
export class Remotes implements OnApplicationShutdown {
  private readonly made = new Map<string, Lines>();
  private readonly standIns = new Map<string, object>();

  constructor(
    private readonly config: Config,
    private readonly metrics: Metrics,
    private readonly readiness: Readiness,
    private readonly logger: PinoLogger,
  ) {
    const gauge = metrics.gauge(
      'circuit_state',
      'Of an address of a feature elsewhere: 0 closed, 1 half-open, 2 open (left alone for a while, or nobody is there)',
      ['dependency', 'address'],
    );
    const collect = (): void => {
      for (const { dependency, address, state } of this.circuits()) gauge.set({ dependency, address }, levels[state]);
    };
    Object.assign(gauge, { collect });
  }

  /** The calls of a feature elsewhere for `asker`, a feature here or `app`. The caller of each travels with it. */
  standIn(asker: string, elsewhere: Elsewhere): object {
    const name = `${asker} ${elsewhere.contract.name}`;
    const known = this.standIns.get(name) ?? this.stand(asker, elsewhere);
    this.standIns.set(name, known);
    return known;
  }

  private stand(asker: string, elsewhere: Elsewhere): object {
    const { contract, replays } = elsewhere;
    const lines = this.lines(elsewhere);
    const [from, to] = [snake(asker), snake(contract.name)];
    const requests = this.metrics.counter(
      `${from}_${to}_requests_total`,
      `Calls of ${asker} to ${contract.name}: answered, refused by it, failed without an answer`,
      ['status'],
    );
    const duration = this.metrics.duration(`${from}_${to}_duration_seconds`, `Until ${contract.name} has answered`);
    const send: Send = async (...call) => {
      const began = performance.now();
      let status = 'ok';
      try {
        return await lines.send(...call);
      } catch (error) {
        status = isSilence(error) ? 'failed' : 'refused';
        throw error;
      } finally {
        requests.inc({ status });
        duration.observe((performance.now() - began) / 1000);
      }
    };
    return remote(contract, send, async () => undefined, {
      deadlineMs,
      replays,
      mayRetry: () => lines.budget.withdraw(),
    });
  }

  /** The calls of a contract at one address, without a breaker; to be disposed of. */
  at<Api extends object>(
    contract: Contract<Api>,
    address: string,
    options: Pick<RemoteOptions, 'machine' | 'deadlineMs'>,
  ): Remote<Api> {
    const client = address.startsWith('grpc') ? grpcClient : httpClient;
    return client(contract, address, { ...this.common(), ...options });
  }

  /** The breaker of every address. */
  circuits(): Circuit[] {
    return [...this.made].flatMap(([dependency, lines]) =>
      lines.looked().map(({ address, state }) => ({ dependency, address: new URL(address).host, state })),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.made.values()].map((lines) => lines.close()));
  }

  private lines(elsewhere: Elsewhere): Lines {
    const { name } = elsewhere.contract;
    const known = this.made.get(name);
    if (known) return known;
    const place = this.config.places[name];
    if (!place) throw new Error(`Nobody has told where ${name} runs`);
    const lines = new Lines(place, (address) => this.endpoint(elsewhere, address));
    this.made.set(name, lines);
    this.readiness.add(name, async () => lines.check());
    return lines;
  }

  private endpoint({ contract, replays }: Elsewhere, address: string): Endpoint {
    const { host } = new URL(address);
    const { send, probe, close, gone } = wireOf(contract, address, { ...this.common(), replays });
    const told = new Seldom(tellEveryMs);
    const careful: Send = async (...call) => {
      try {
        return await send(...call);
      } catch (error) {
        const reason = mistakeOf(error);
        if (reason === undefined) throw error;
        if (told.now()) this.logger.error({ dependency: contract.name, address: host, reason }, 'dependency_misplaced');
        throw unavailable(new MisplacedError(reason, { cause: error }));
      }
    };
    const changed = (state: EndpointState): void => {
      this.logger.warn({ dependency: contract.name, address: host, state }, 'circuit_changed');
    };
    return new Endpoint(address, { send: careful, probe, close, gone }, changed);
  }

  private common(): RemoteOptions {
    const bearer = this.config.internalSecrets[0]?.toString('utf8') ?? '';
    return { bearer, headers: onBehalf, tls: () => grpcTls(this.config.grpc) };
  }
}

function wireOf(contract: AnyContract, address: string, options: RemoteOptions) {
  if (!address.startsWith('grpc')) return httpSend(address, options);
  const channel = new GrpcChannel(contract, address, options);
  const send: Send = (method, route, message, meta, ms) =>
    route.grouped ? channel.grouped(method, message, meta, ms) : channel.unary(method, message, meta, ms);
  const close = () => channel[Symbol.asyncDispose]();
  return { send, probe: (ms: number) => channel.probe(ms), close, gone: () => channel.gone };
}

/** What is wrong with where an address leads; undefined for what a feature in its place may answer. */
function mistakeOf(thrown: unknown): string | undefined {
  const { kind, code, cause } = toAppError(thrown);
  if (code === 'secret_unknown') return 'it does not know the INTERNAL_API_SECRET of this process';
  if (code === 'route_not_found') return 'another feature is there, or another version';
  // With a cause it is this side that says so.
  return kind === 'internal' && cause !== undefined ? `its answer makes no sense here: ${String(cause)}` : undefined;
}

/** The addresses of one feature. */
class Lines {
  readonly budget = new RetryBudget();
  private readonly grpc: readonly Endpoint[];
  private readonly http: readonly Endpoint[];
  private turn = 0;

  constructor(
    private readonly place: Place,
    make: (address: string) => Endpoint,
  ) {
    this.grpc = place.grpc.map(make);
    this.http = place.http.map(make);
  }

  private get endpoints(): readonly Endpoint[] {
    return [...this.grpc, ...this.http];
  }

  /** Those that are back are found by whoever asks how they are, also where nobody calls. */
  looked(): readonly Endpoint[] {
    for (const endpoint of this.endpoints) endpoint.look();
    return this.endpoints;
  }

  /** @throws AppError unavailable at once when every address rests */
  send: Send = (...call) => {
    this.budget.deposit();
    const [first, second] =
      Math.random() * 100 < this.place.grpcPercent ? [this.grpc, this.http] : [this.http, this.grpc];
    const endpoint = this.next(first) ?? this.next(second);
    if (!endpoint) return Promise.reject(unavailable(new Error('Every address of it is left alone for a while')));
    return endpoint.send(...call);
  };

  /** Not unhealthy: what needs it says so call by call, and what does not goes on. */
  check(): CheckResult {
    const all = this.looked();
    const resting = all.filter(({ state }) => state !== 'closed').map(({ address }) => new URL(address).host);
    if (resting.length === 0) return { status: 'healthy' };
    return {
      status: 'degraded',
      reason: `${resting.length} of ${all.length} addresses do not answer: ${resting.join(', ')}`,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.endpoints.map((endpoint) => endpoint.close()));
  }

  /** Those that can be connected to before those that cannot: what is started again costs nobody a call. */
  private next(endpoints: readonly Endpoint[]): Endpoint | undefined {
    const usable = endpoints.filter((endpoint) => endpoint.usable);
    const there = usable.length > 1 ? usable.filter((endpoint) => !endpoint.missing) : usable;
    const among = there.length > 0 ? there : usable;
    this.turn += 1;
    return among[this.turn % Math.max(1, among.length)];
  }
}

function snake(name: string): string {
  return name.replace(/-/g, '_');
}
