import { Injectable } from '@nestjs/common';
import { Databases } from '../../shared/db/databases';
import { type DeadNews, deadNews } from '../../shared/outbox/dead-news';
import { ListenerParts, NewsListener } from '../../shared/outbox/news-listener';
import { EventsGatewayService } from './events-gateway.service';

/** Hears which announcements consumers have given up, so that operators find them beside the events. */
@Injectable()
export class EventsGatewayListener extends NewsListener<DeadNews> {
  constructor(parts: ListenerParts, databases: Databases, gateway: EventsGatewayService) {
    super(parts, {
      ...{ consumer: 'events-gateway', news: deadNews, db: databases.of('events-gateway') },
      apply: async (tx, announced) => {
        for (const { body } of announced) await gateway.newsTold(tx, body);
      },
    });
  }
}
