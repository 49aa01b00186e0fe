import { Injectable, Module } from '@nestjs/common';
import { type PaymentNews, paymentNews } from '../../../src/features/payments/payments.events';
import { ReservationsApi, reservationsContract } from '../../../src/features/reservations/reservations.api';
import { reservationNews } from '../../../src/features/reservations/reservations.events';
import { SystemClock } from '../../../src/shared/clock/system.clock';
import type { Feature } from '../../../src/shared/contract/feature';
import { Databases } from '../../../src/shared/db/databases';
import { DbModule } from '../../../src/shared/db/db.module';
import { ListenerParts, NewsListener } from '../../../src/shared/outbox/news-listener';
import { Outbox, OutboxParts } from '../../../src/shared/outbox/outbox';
import {
  inboxEntity,
  inboxMigration,
  inboxRedrivenMigration,
  outboxEntity,
  outboxMigration,
  outboxTraceMigration,
} from '../../../src/shared/outbox/outbox.entity';
import { OutboxModule } from '../../../src/shared/outbox/outbox.module';
import { FakeReservations } from './fake-reservations';

/** What the application in this test process knows of reservations. */
export const reservations = new FakeReservations(new SystemClock());

@Injectable()
class FakeReservationsOutbox extends Outbox {
  constructor(parts: OutboxParts, databases: Databases) {
    super(parts, 'reservations', databases.of('reservations'), [reservationNews]);
  }
}

/** Announces that a reservation has ended, as reservations does. */
@Injectable()
export class FakeAnnouncer {
  static latest: FakeAnnouncer | undefined;

  constructor(private readonly outbox: FakeReservationsOutbox) {
    FakeAnnouncer.latest = this;
  }

  async end(...end: Parameters<FakeReservations['end']>): Promise<void> {
    const news = reservations.end(...end);
    await this.outbox.transaction((_tx, announce) => announce(reservationNews, news.reservationId, news));
  }
}

/** Confirms a reservation as soon as its payment is authorized; nothing is sold by it. */
@Injectable()
class FakeReservationsListener extends NewsListener<PaymentNews> {
  constructor(parts: ListenerParts, databases: Databases, announcer: FakeAnnouncer) {
    super(parts, {
      consumer: 'reservations',
      news: paymentNews,
      db: databases.of('reservations'),
      apply: async (_tx, announced) => {
        for (const { body } of announced)
          if (body.status === 'authorized')
            setImmediate(() => announcer.end(body.reservationId, 'confirmed', body.paymentId));
      },
    });
  }
}

@Module({
  imports: [DbModule, OutboxModule],
  providers: [
    FakeReservationsOutbox,
    FakeAnnouncer,
    FakeReservationsListener,
    { provide: ReservationsApi, useValue: reservations },
  ],
  exports: [ReservationsApi],
})
class FakeReservationsModule {}

/** Stands for the feature `reservations` and says so. */
export const fakeReservationsFeature: Feature = {
  contract: reservationsContract,
  docs: {},
  module: FakeReservationsModule,
  doors: { controllers: [] },
  entities: [outboxEntity('reservations'), inboxEntity('reservations')],
  migrations: [
    outboxMigration('reservations', 1_796_000_000_001),
    inboxMigration('reservations', 1_796_000_000_002),
    inboxRedrivenMigration('reservations', 1_796_300_000_101),
    outboxTraceMigration('reservations', 1_796_300_000_201),
  ],
  announces: [reservationNews.topic, paymentNews.handled],
  hears: [paymentNews.topic, reservationNews.handled],
};
