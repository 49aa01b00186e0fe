import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { FastifyReply } from 'fastify';
import type { Counter, Gauge } from 'prom-client';
import type { Observable } from 'rxjs';
import type { QueueStatus, WatchQueueRequest } from '../../generated/aerie/queue/v1/queue';
import { Poll, type Watcher } from '../../shared/async/poll';
import { asInternal } from '../../shared/auth/caller';
import { Config } from '../../shared/config/config';
import { Peers } from '../../shared/connections/peers';
import { Places } from '../../shared/connections/places';
import { type ServerStream, serveChanges } from '../../shared/grpc/grpc.changes';
import { streamChanges } from '../../shared/http/http.changes';
import { Lifecycle } from '../../shared/lifecycle/lifecycle';
import { currentContext } from '../../shared/tracing/request-context';
import { QueueApi } from './queue.api';
import { QueueSettings } from './queue.settings';

const everyMs = 500;
const final = ['done', 'left', 'expired'];

/**
 * Where a ticket is whenever that has changed, until it has ended: over gRPC, and as server-sent events. Each look asks for
 * the status, so whoever holds a stream is present.
 */
@Injectable()
export class QueueWatch {
  private readonly polls = new Map<string, Poll<QueueStatus>>();
  private readonly places: Places;
  private readonly peers: Peers;

  constructor(
    private readonly queue: QueueApi,
    private readonly lifecycle: Lifecycle,
    { trustedProxies }: Config,
    { watchers: max, watchersPerAddress: perAddress }: QueueSettings,
    @InjectMetric('queue_watchers') watchers: Gauge,
    @InjectMetric('queue_watchers_refused_total') refused: Counter<'reason'>,
  ) {
    this.places = new Places(
      { max, perAddress },
      (taken) => watchers.set(taken),
      (reason) => refused.inc({ reason }),
    );
    this.peers = new Peers(trustedProxies);
  }

  /** @throws AppError queue_ticket_not_found, rate_limited */
  async watch(call: ServerStream<QueueStatus>, { ticket }: WatchQueueRequest): Promise<Observable<QueueStatus>> {
    await this.queue.getQueueStatus({ ticket });
    return serveChanges<QueueStatus>(
      call,
      ({ tell, fail }) =>
        this.join(ticket, { tell: (seen) => tell({ answer: seen, text: JSON.stringify(seen) }), fail }),
      this.options(),
    );
  }

  /** @throws AppError queue_ticket_not_found, rate_limited */
  async stream(reply: FastifyReply, { ticket }: WatchQueueRequest): Promise<FastifyReply> {
    await this.queue.getQueueStatus({ ticket });
    return streamChanges(
      reply,
      ({ tell, fail }) =>
        this.join(ticket, {
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

  private join(ticket: string, watcher: Watcher<QueueStatus>): () => void {
    const poll = this.polls.get(ticket) ?? this.pollOf(ticket);
    this.polls.set(ticket, poll);
    const leave = poll.watch(watcher);
    return () => {
      leave();
      if (poll.idle && this.polls.get(ticket) === poll) this.polls.delete(ticket);
    };
  }

  private pollOf(ticket: string): Poll<QueueStatus> {
    // The poll goes on for all who come, so it runs as nobody of them.
    const look = (): Promise<QueueStatus> =>
      asInternal(async () => ({ ...(await this.queue.getQueueStatus({ ticket })) }));
    return new Poll(look, { everyMs, isFinal: ({ status }) => final.includes(status) });
  }
}
