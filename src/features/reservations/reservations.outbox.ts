import { Injectable } from '@nestjs/common';
import { Databases } from '../../shared/db/databases';
import { Outbox, OutboxParts } from '../../shared/outbox/outbox';
import { reservationNews } from './reservations.events';

/** What reservations announces. */
@Injectable()
export class ReservationsOutbox extends Outbox {
  constructor(parts: OutboxParts, databases: Databases) {
    super(parts, 'reservations', databases.of('reservations'), [reservationNews]);
  }
}
