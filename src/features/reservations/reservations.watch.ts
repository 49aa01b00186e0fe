import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { FastifyReply } from 'fastify';
import type { Counter, Gauge } from 'prom-client';
import type { Observable } from 'rxjs';
import type { Reservation, WatchReservationRequest } from '../../generated/aerie/reservations/v1/reservations';
import { Config } from '../../shared/config/config';
import type { ServerStream } from '../../shared/grpc/grpc.changes';
import { Lifecycle } from '../../shared/lifecycle/lifecycle';
import { WatchPlaces } from '../../shared/watch/watch-places';
import { Watched } from '../../shared/watch/watched';
import { ReservationsApi } from './reservations.api';
import { ReservationsSettings } from './reservations.settings';

const final = ['cancelled', 'expired', 'refunded', 'revoked'];

/** A reservation whenever it has changed, until it has ended: over gRPC, and as server-sent events, to its owner. */
@Injectable()
export class ReservationsWatch {
  private readonly watched: Watched<Reservation>;

  constructor(
    reservations: ReservationsApi,
    lifecycle: Lifecycle,
    { trustedProxies }: Config,
    { watchers, watchersPerAddress }: ReservationsSettings,
    @InjectMetric('reservation_watchers') taken: Gauge,
    @InjectMetric('reservation_watchers_refused_total') refused: Counter<'reason'>,
  ) {
    const limits = { trustedProxies, watchers, watchersPerAddress };
    this.watched = new Watched({
      places: new WatchPlaces(lifecycle, limits, { watchers: taken, refused }),
      ask: (id) => reservations.getReservation({ id }),
      isFinal: ({ status }) => final.includes(status),
    });
  }

  /** @throws AppError reservation_not_found, rate_limited */
  watch(call: ServerStream<Reservation>, { id }: WatchReservationRequest): Promise<Observable<Reservation>> {
    return this.watched.serve(call, id);
  }

  /** @throws AppError reservation_not_found, rate_limited */
  stream(reply: FastifyReply, { id }: WatchReservationRequest): Promise<FastifyReply> {
    return this.watched.stream(reply, id);
  }
}
