import { Injectable } from '@nestjs/common';
import { Databases } from '../../shared/db/databases';
import { redrivenNews } from '../../shared/outbox/dead-news';
import { Outbox, OutboxParts } from '../../shared/outbox/outbox';

/** Tells features which of their announcements a consumer is to try again. */
@Injectable()
export class EventsGatewayOutbox extends Outbox {
  constructor(parts: OutboxParts, databases: Databases) {
    super(parts, 'events-gateway', databases.of('events-gateway'), [redrivenNews]);
  }
}
