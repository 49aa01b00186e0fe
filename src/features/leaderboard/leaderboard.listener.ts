import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Bus } from '../../shared/bus/bus';
import { consume } from '../../shared/bus/consumer';
import { EventsGatewayApi } from '../events-gateway/events-gateway.api';
import { acceptedEvents } from '../events-gateway/events-gateway.events';
import { consumerName } from './leaderboard.closer';
import { LeaderboardScoring } from './leaderboard.scoring';

// Each group blocks the thread for as long as it takes; larger groups are cheaper for each event but felt by requests.
const maxGroup = 250;

/** Consumes accepted events in groups. */
@Injectable()
export class LeaderboardListener implements OnModuleInit {
  constructor(
    private readonly bus: Bus,
    private readonly scoring: LeaderboardScoring,
    private readonly gateway: EventsGatewayApi,
    private readonly logger: PinoLogger,
  ) {}

  onModuleInit(): void {
    consume(this.bus, acceptedEvents, this.gateway, {
      name: consumerName,
      maxGroup,
      idOf: (event) => event.id,
      apply: (events, groupId) => this.scoring.apply(events, groupId),
      logger: this.logger,
    });
  }
}
