import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Bus } from '../../shared/bus/bus';
import { consume } from '../../shared/bus/consumer';
import { EventsGatewayApi } from '../events-gateway/events-gateway.api';
import { acceptedEvents } from '../events-gateway/events-gateway.events';
import { ProgressionApplier } from './progression.applier';

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
    consume(this.bus, acceptedEvents, this.gateway, {
      name: 'progression',
      maxGroup,
      idOf: (event) => event.id,
      apply: (events, groupId) => this.applier.apply(events, groupId),
      logger: this.logger,
    });
  }
}
