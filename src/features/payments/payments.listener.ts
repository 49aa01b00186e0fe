import { Injectable } from '@nestjs/common';
import { Databases } from '../../shared/db/databases';
import { ListenerParts, NewsListener } from '../../shared/outbox/news-listener';
import { type ReservationNews, reservationNews } from '../reservations/reservations.events';
import { PaymentsSettlement } from './payments.settlement';

/** Hears what became of reservations; the worker draws the consequences. */
@Injectable()
export class PaymentsListener extends NewsListener<ReservationNews> {
  constructor(parts: ListenerParts, databases: Databases, settlement: PaymentsSettlement) {
    super(parts, {
      consumer: 'payments',
      news: reservationNews,
      db: databases.of('payments'),
      apply: (tx, announced) =>
        settlement.heard(
          tx,
          announced.map(({ body }) => body),
        ),
    });
  }
}
