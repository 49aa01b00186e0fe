import { connect, type LookupFunction } from 'node:net';
import { type Dispatcher, Pool } from 'undici';
import { detach, guarded } from '../async/guarded';
import { SharedCall } from '../async/shared-call';
import { type Resolve, resolveName } from './resolve-name';

const connections = 64;
const maxAnswerBytes = 8 * 1024 * 1024;
// A connection to a machine that is there is made in far less.
const connectMs = 2000;
// Records are asked for again after so long, and at once, a second apart, when somebody cannot be connected to.
const [freshMs, soonMs] = [10_000, 1000];
// Between tries to connect to somebody who was not there; doubling.
const [firstPauseMs, lastPauseMs] = [100, 500];
const unconnected = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'];

/**
 * Sends requests to one origin, whose name may have several addresses: they take turns. An address that cannot be connected
 * to is left out until it can, and the request, of which nothing was sent, goes to the next.
 */
export class HttpBalancer {
  private readonly peers = new Map<string, Peer>();
  private turn = 0;
  // Why the addresses may be old.
  private unresolved: unknown;
  private resolvedAt = Number.NEGATIVE_INFINITY;
  private readonly resolving = new SharedCall(() => this.renew());

  constructor(
    private readonly origin: URL,
    private readonly resolve: Resolve = resolveName,
  ) {}

  /** @throws undici's error: that of the last address when none could be connected to */
  async request(options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
    await this.refresh();
    let failed: unknown;
    for (const peer of this.inTurn()) {
      try {
        return await peer.pool.request(options);
      } catch (error) {
        if (!unconnected.includes(String((error as { code?: unknown }).code))) throw error;
        peer.isGone();
        failed = error;
      }
    }
    throw this.unresolved === undefined ? failed : Object.assign(failed as Error, { cause: this.unresolved });
  }

  /** True while nobody can be connected to; trying goes on as long as somebody asks. */
  get gone(): boolean {
    return this.peers.size > 0 && [...this.peers.values()].every((peer) => peer.gone);
  }

  async close(): Promise<void> {
    await Promise.all([...this.peers.values()].map(({ pool }) => pool.destroy()));
  }

  /** Those that are there, the next one first; behind them the others. */
  private inTurn(): Peer[] {
    const all = [...this.peers.values()];
    this.turn += 1;
    const from = this.turn % Math.max(1, all.length);
    const turned = [...all.slice(from), ...all.slice(0, from)];
    return [...turned.filter(({ gone }) => !gone), ...turned.filter(({ gone }) => gone)];
  }

  /** Waits for the name's addresses only while none is known. */
  private async refresh(): Promise<void> {
    if (this.peers.size === 0) return this.resolving.run();
    const someGone = [...this.peers.values()].some(({ gone }) => gone);
    // Where that fails, the addresses that are known stand.
    if (performance.now() - this.resolvedAt > (someGone ? soonMs : freshMs))
      this.resolving.run().catch((error: unknown) => {
        this.unresolved = error;
      });
  }

  private async renew(): Promise<void> {
    this.resolvedAt = performance.now();
    const addresses = await this.resolve(this.origin.hostname);
    this.unresolved = undefined;
    for (const address of addresses) {
      if (!this.peers.has(address)) this.peers.set(address, new Peer(this.origin, address));
    }
    for (const [address, { pool }] of this.peers) {
      if (addresses.includes(address)) continue;
      this.peers.delete(address);
      // It ends once it has answered what it was asked.
      detach(pool.close());
    }
  }
}

/** One address of an origin, with its connections. */
class Peer {
  readonly pool: Pool;
  private away = false;
  private trying = false;
  private triesAt = 0;
  private pauseMs = firstPauseMs;

  constructor(
    private readonly origin: URL,
    private readonly address: string,
  ) {
    const toAddress: LookupFunction = (_host, { all }, done) => {
      const family = address.includes(':') ? 6 : 4;
      if (all) done(null, [{ address, family }]);
      else done(null, address, family);
    };
    // Requests have time limits of their own; undici's are coarse and would come on top.
    this.pool = new Pool(origin.origin, {
      connections,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: maxAnswerBytes,
      connect: { timeout: connectMs, lookup: toAddress },
    });
    // By whatever way: somebody is there.
    this.pool.on(
      'connect',
      guarded(() => this.isThere()),
    );
  }

  /** True while it could not be connected to when that was last tried; whoever asks has it tried again. */
  get gone(): boolean {
    if (this.away && !this.trying && performance.now() >= this.triesAt) this.try();
    return this.away;
  }

  isGone(): void {
    this.away = true;
    this.triesAt = performance.now() + this.pauseMs;
    this.pauseMs = Math.min(this.pauseMs * 2, lastPauseMs);
  }

  private isThere(): void {
    this.away = false;
    this.pauseMs = firstPauseMs;
  }

  private try(): void {
    this.trying = true;
    const { port, protocol } = this.origin;
    const socket = connect({
      host: this.address,
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
      timeout: connectMs,
    });
    const end = (isThere: boolean): void => {
      this.trying = false;
      if (isThere) this.isThere();
      else this.isGone();
      socket.destroy();
    };
    socket.once(
      'connect',
      guarded(() => end(true)),
    );
    for (const event of ['error', 'timeout'])
      socket.once(
        event,
        guarded(() => end(false)),
      );
  }
}
