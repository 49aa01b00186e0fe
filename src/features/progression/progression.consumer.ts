import { Injectable } from '@nestjs/common';
import { LogConsumer, LogParts } from '../../shared/log/log-consumer';
import { logOf } from '../../shared/log/log-of';
import { EventsGatewayApi } from '../events-gateway/events-gateway.api';
import { acceptedEvents, fromWire, type JournalEvent } from '../events-gateway/events-gateway.events';
import { ProgressionApplier } from './progression.applier';
import { ProgressionRepository } from './progression.repository';

const name = 'progression';
// Larger groups are cheaper for each event; but what is made of one holds the thread, and is felt by requests.
const maxGroup = 500;

/** Consumes accepted events. */
@Injectable()
export class ProgressionConsumer extends LogConsumer<JournalEvent> {
  constructor(
    parts: LogParts,
    gateway: EventsGatewayApi,
    { places }: ProgressionRepository,
    applier: ProgressionApplier,
  ) {
    const log = logOf(gateway, name, fromWire);
    const apply: ProgressionApplier['apply'] = (events, source) => applier.apply(events, source);
    super(parts, { name, topic: acceptedEvents, log, places, maxGroup, apply });
  }
}
