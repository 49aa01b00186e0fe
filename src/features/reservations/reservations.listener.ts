import { Injectable } from '@nestjs/common';
import { Databases } from '../../shared/db/databases';
import { ListenerParts, NewsListener } from '../../shared/outbox/news-listener';
import { type PaymentNews, paymentNews } from '../payments/payments.events';
import { ReservationsService } from './reservations.service';

/** Hears what becomes of payments: what is authorized confirms its reservation, also when its buyer never calls again. */
@Injectable()
export class ReservationsListener extends NewsListener<PaymentNews> {
  constructor(parts: ListenerParts, databases: Databases, reservations: ReservationsService) {
    super(parts, {
      ...{ consumer: 'reservations', news: paymentNews, db: databases.of('reservations') },
      // Each takes the rows of its sections in one order; several in one transaction would not, and would wait for buyers who
      // wait for them.
      maxGroup: 1,
      apply: async (tx, announced) => {
        for (const { body } of announced) await reservations.paymentTold(tx, body);
      },
    });
  }
}
