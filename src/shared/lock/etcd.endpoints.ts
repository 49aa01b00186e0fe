import type { Etcd3 } from 'etcd3';
import { within } from '../async/within';
import { StartError } from '../lifecycle/start.error';

/** Of one call; etcd3 has no limit of its own. */
export interface Limit {
  /** Epoch milliseconds, as gRPC wants it. */
  readonly deadline: number;
}

const graceMs = 50;
// After so long another member may know better. Where there is no other, a slow answer is better than none.
const patienceMs = 400;
// Without these a member that comes back is not tried again for up to two minutes.
const grpcOptions = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 1000 };

/**
 * The members of an etcd cluster. All calls go to one of them until it fails; then to the next. (etcd3 picks one at
 * random for each call, so with a frozen member a third of all calls would wait for nothing.)
 */
export class EtcdEndpoints {
  private current = 0;

  private constructor(private readonly members: readonly Etcd3[]) {}

  /** @throws StartError when an endpoint cannot be used, never because nobody answers there */
  static async open(endpoints: readonly string[]): Promise<EtcdEndpoints> {
    const hosts = endpoints.map(hostOf);
    // Loaded only where it is chosen: it takes as long as the rest of the start.
    const [{ Etcd3 }, { noop }] = await Promise.all([import('etcd3'), import('cockatiel')]);
    const faultHandling = { host: () => noop, global: noop };
    return new EtcdEndpoints(hosts.map((hosts) => new Etcd3({ hosts, faultHandling, grpcOptions })));
  }

  /** Asks one member once, for `limitMs` at most. Whether what was asked for was done is unknown when this throws. */
  async call<T>(ask: (member: Etcd3, limit: Limit) => PromiseLike<T>, limitMs: number): Promise<T> {
    const chosen = this.current;
    const member = this.members[chosen];
    if (!member) throw new Error('There is no etcd endpoint');
    const limit = this.members.length === 1 ? limitMs : Math.min(patienceMs, limitMs);
    try {
      // gRPC's deadline is of the wall clock, which may jump.
      return await within(ask(member, { deadline: Date.now() + limit }), limit + graceMs);
    } catch (error) {
      if (this.current === chosen) this.current = (chosen + 1) % this.members.length;
      throw error;
    }
  }

  close(): void {
    for (const member of this.members) member.close();
  }
}

/** etcd3 takes `http://host:port` and nothing after it. */
function hostOf(endpoint: string): string {
  const [, scheme, host, port = ':2379'] = /^(https?:\/\/)([^/@:]+|\[[^/@]+\])(:\d+)?\/?$/.exec(endpoint) ?? [];
  if (scheme === undefined || host === undefined)
    throw new StartError('Aerie cannot start: ETCD_ENDPOINTS: write http://host:2379, without credentials or path.');
  return `${scheme}${host}${port}`;
}
