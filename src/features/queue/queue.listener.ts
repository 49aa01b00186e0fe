import { Injectable } from '@nestjs/common';
import { Databases } from '../../shared/db/databases';
import { ListenerParts, NewsListener } from '../../shared/outbox/news-listener';
import { type ReservationNews, reservationNews } from '../reservations/reservations.events';
import type { HoldEnd } from './queue.entity';
import { QueueService } from './queue.service';

/** Hears how holds end: whoever was admitted for one has bought, or has not, and the place is free. */
@Injectable()
export class QueueListener extends NewsListener<ReservationNews> {
  constructor(parts: ListenerParts, databases: Databases, queue: QueueService) {
    super(parts, {
      ...{ consumer: 'queue', news: reservationNews, db: databases.of('queue') },
      apply: (tx, announced) => queue.holdsEnded(tx, endsOf(announced)),
    });
  }
}

/** What happens to a reservation after its hold has no place any more. */
function endsOf(announced: readonly { readonly body: ReservationNews }[]): HoldEnd[] {
  return announced.flatMap(({ body: { grant, saleId, status, quantity } }) =>
    grant === undefined ? [] : [{ grant, saleId, bought: status === 'confirmed', quantity }],
  );
}
