import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type { AcceptedEvent } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { Bus } from '../../shared/bus/bus';
import { Consumer } from '../../shared/bus/consumer';
import { EventsGatewayApi } from '../events-gateway/events-gateway.api';
import { acceptedEvents } from '../events-gateway/events-gateway.events';
import { ProgressionApplier } from './progression.applier';

const name = 'progression';
// Each group blocks the thread for as long as it takes; larger groups are cheaper for each event but felt by requests.
const maxGroup = 250;

/** Consumes accepted events. */
@Injectable()
export class ProgressionListener implements OnModuleInit {
  constructor(
    private readonly bus: Bus,
    private readonly applier: ProgressionApplier,
    private readonly gateway: EventsGatewayApi,
    private readonly logger: PinoLogger,
  ) {}

  onModuleInit(): void {
    const consumer = new Consumer<AcceptedEvent>({
      name,
      maxGroup,
      idOf: (event) => event.id,
      apply: (events, groupId) => this.applier.apply(events, groupId),
      confirm: (eventIds) => this.gateway.confirmEvents({ consumer: name, eventIds }),
      park: (eventId, reason) => this.gateway.parkEvent({ eventId, consumer: name, reason }),
      logger: this.logger,
    });
    this.bus.subscribe(acceptedEvents, { consumer: name, maxGroup }, (messages, closing) =>
      consumer.handle(messages, closing),
    );
  }
}
