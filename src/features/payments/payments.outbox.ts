import { Injectable } from '@nestjs/common';
import { Databases } from '../../shared/db/databases';
import { Outbox, OutboxParts } from '../../shared/outbox/outbox';
import { paymentNews } from './payments.events';

/** What payments announces, in the transactions of payments. */
@Injectable()
export class PaymentsOutbox extends Outbox {
  constructor(parts: OutboxParts, databases: Databases) {
    super(parts, 'payments', databases.of('payments'), [paymentNews]);
  }
}
