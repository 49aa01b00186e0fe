import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { FastifyReply } from 'fastify';
import type { Counter, Gauge } from 'prom-client';
import type { Observable } from 'rxjs';
import type { Reservation, WatchReservationRequest } from '../../generated/aerie/reservations/v1/reservations';
import { Poll, type Watcher } from '../../shared/async/poll';
import { asInternal } from '../../shared/auth/caller';
import { Config } from '../../shared/config/config';
import { Peers } from '../../shared/connections/peers';
import { Places } from '../../shared/connections/places';
import { type ServerStream, serveChanges } from '../../shared/grpc/grpc.changes';
import { streamChanges } from '../../shared/http/http.changes';
import { Lifecycle } from '../../shared/lifecycle/lifecycle';
import { currentContext } from '../../shared/tracing/request-context';
import { ReservationsApi } from './reservations.api';
import { ReservationsSettings } from './reservations.settings';

const everyMs = 500;
const final = ['cancelled', 'expired', 'refunded', 'revoked'];

/**
 * A reservation whenever it has changed, until it has ended: over gRPC, and as server-sent events. Those who watch one share
 * the looks at it; whose it is is asked before, as the caller.
 */
@Injectable()
export class ReservationsWatch {
  private readonly polls = new Map<string, Poll<Reservation>>();
  private readonly places: Places;
  private readonly peers: Peers;

  constructor(
    private readonly reservations: ReservationsApi,
    private readonly lifecycle: Lifecycle,
    { trustedProxies }: Config,
    { watchers: max, watchersPerAddress: perAddress }: ReservationsSettings,
    @InjectMetric('reservation_watchers') watchers: Gauge,
    @InjectMetric('reservation_watchers_refused_total') refused: Counter<'reason'>,
  ) {
    this.places = new Places(
      { max, perAddress },
      (taken) => watchers.set(taken),
      (reason) => refused.inc({ reason }),
    );
    this.peers = new Peers(trustedProxies);
  }

  /** @throws AppError reservation_not_found, rate_limited */
  async watch(call: ServerStream<Reservation>, { id }: WatchReservationRequest): Promise<Observable<Reservation>> {
    await this.reservations.getReservation({ id });
    return serveChanges<Reservation>(
      call,
      ({ tell, fail }) => this.join(id, { tell: (answer) => tell({ answer, text: JSON.stringify(answer) }), fail }),
      this.options(),
    );
  }

  /** @throws AppError reservation_not_found, rate_limited */
  async stream(reply: FastifyReply, { id }: WatchReservationRequest): Promise<FastifyReply> {
    await this.reservations.getReservation({ id });
    return streamChanges(
      reply,
      ({ tell, fail }) =>
        this.join(id, {
          tell: (seen) => tell({ text: JSON.stringify(seen), last: final.includes(seen.status) }),
          fail,
        }),
      this.options(),
    );
  }

  private options() {
    const { peer } = currentContext() ?? {};
    // A proxy that does not say for whom it asks stands for everybody.
    const address = peer !== undefined && this.peers.isTrusted(peer) ? undefined : peer;
    return { draining: this.lifecycle.draining, enter: () => this.places.take(address) };
  }

  private join(id: string, watcher: Watcher<Reservation>): () => void {
    const poll = this.polls.get(id) ?? this.pollOf(id);
    this.polls.set(id, poll);
    const leave = poll.watch(watcher);
    return () => {
      leave();
      if (poll.idle && this.polls.get(id) === poll) this.polls.delete(id);
    };
  }

  private pollOf(id: string): Poll<Reservation> {
    // The poll goes on for all who come, so it runs as nobody of them.
    const look = (): Promise<Reservation> =>
      asInternal(async () => ({ ...(await this.reservations.getReservation({ id })) }));
    return new Poll(look, { everyMs, isFinal: ({ status }) => final.includes(status) });
  }
}
