import type { Counter, Gauge } from 'prom-client';
import { Peers } from '../connections/peers';
import { Places } from '../connections/places';
import type { Lifecycle } from '../lifecycle/lifecycle';
import { currentContext } from '../tracing/request-context';

export interface WatchLimits {
  /** CIDRs. A proxy that does not say for whom it asks stands for everybody. */
  readonly trustedProxies: readonly string[];
  readonly watchers: number;
  readonly watchersPerAddress: number;
}

export interface WatchMetrics {
  readonly watchers: Gauge;
  readonly refused: Counter<'reason'>;
}

/** The places of those who hold a stream of one kind: so many in all and from one address, until the process drains. */
export class WatchPlaces {
  private readonly places: Places;
  private readonly peers: Peers;

  constructor(
    private readonly lifecycle: Lifecycle,
    { trustedProxies, watchers: max, watchersPerAddress: perAddress }: WatchLimits,
    { watchers, refused }: WatchMetrics,
  ) {
    this.places = new Places(
      { max, perAddress },
      (taken) => watchers.set(taken),
      (reason) => refused.inc({ reason }),
    );
    this.peers = new Peers(trustedProxies);
  }

  /** For the stream that the current request asks for. `enter` throws AppError rate_limited */
  ofCaller(): { readonly draining: AbortSignal; readonly enter: () => () => void } {
    const { peer } = currentContext() ?? {};
    const address = peer !== undefined && this.peers.isTrusted(peer) ? undefined : peer;
    return { draining: this.lifecycle.draining, enter: () => this.places.take(address) };
  }
}
