import { Injectable, type OnModuleInit } from '@nestjs/common';
import { validated } from '../../shared/contract/validation.pipe';
import { HotRoutes } from '../../shared/http/http.hot';
import { SignedMessageDto } from './events-gateway.dto';
import { EventIntake } from './events-gateway.intake';

/** `POST /events` before Fastify: no promise is made between the body and the group that it is committed with. */
@Injectable()
export class EventsGatewayHotRoute implements OnModuleInit {
  constructor(
    private readonly hot: HotRoutes,
    private readonly intake: EventIntake,
  ) {}

  onModuleInit(): void {
    this.hot.add('POST /events', (call, trace, settle) =>
      this.intake.take(validated(call, SignedMessageDto), trace, settle),
    );
  }
}
