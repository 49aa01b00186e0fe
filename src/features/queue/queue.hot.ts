import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HotRoutes } from '../../shared/http/http.hot';
import { sha256 } from './queue.draw';
import { QueueStatuses } from './queue.statuses';

// The plainest spelling of a ticket that `GetQueueStatusDto` takes.
const plainQuery = /^ticket=([A-Za-z0-9_-]{43})$/;

/** `GET /queue/status` before Fastify, where this process knows the answer: thousands of browsers ask every few seconds. */
@Injectable()
export class QueueHotRoute implements OnModuleInit {
  constructor(
    private readonly hot: HotRoutes,
    private readonly statuses: QueueStatuses,
  ) {}

  onModuleInit(): void {
    this.hot.addRead('/queue/status', (query) => {
      const ticket = plainQuery.exec(query)?.[1];
      return ticket === undefined ? undefined : this.statuses.known(sha256(ticket));
    });
  }
}
