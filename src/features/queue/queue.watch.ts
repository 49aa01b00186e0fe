import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { FastifyReply } from 'fastify';
import type { Counter, Gauge } from 'prom-client';
import type { Observable } from 'rxjs';
import type { QueueStatus, WatchQueueRequest } from '../../generated/aerie/queue/v1/queue';
import { Config } from '../../shared/config/config';
import type { ServerStream } from '../../shared/grpc/grpc.changes';
import { Lifecycle } from '../../shared/lifecycle/lifecycle';
import { WatchPlaces } from '../../shared/watch/watch-places';
import { Watched } from '../../shared/watch/watched';
import { QueueApi } from './queue.api';
import { QueueSettings } from './queue.settings';

const final = ['done', 'left', 'expired'];

/**
 * Where a ticket is whenever that has changed, until it has ended: over gRPC, and as server-sent events. Each look asks for
 * the status, so whoever holds a stream is present.
 */
@Injectable()
export class QueueWatch {
  private readonly watched: Watched<QueueStatus>;

  constructor(
    queue: QueueApi,
    lifecycle: Lifecycle,
    { trustedProxies }: Config,
    { watchers, watchersPerAddress }: QueueSettings,
    @InjectMetric('queue_watchers') taken: Gauge,
    @InjectMetric('queue_watchers_refused_total') refused: Counter<'reason'>,
  ) {
    const limits = { trustedProxies, watchers, watchersPerAddress };
    this.watched = new Watched({
      places: new WatchPlaces(lifecycle, limits, { watchers: taken, refused }),
      ask: (ticket) => queue.getQueueStatus({ ticket }),
      isFinal: ({ status }) => final.includes(status),
    });
  }

  /** @throws AppError queue_ticket_not_found, rate_limited */
  watch(call: ServerStream<QueueStatus>, { ticket }: WatchQueueRequest): Promise<Observable<QueueStatus>> {
    return this.watched.serve(call, ticket);
  }

  /** @throws AppError queue_ticket_not_found, rate_limited */
  stream(reply: FastifyReply, { ticket }: WatchQueueRequest): Promise<FastifyReply> {
    return this.watched.stream(reply, ticket);
  }
}
