import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Page } from '../../shared/contract/page';
import { HttpRequest } from '../../shared/http/http-request.decorator';
import { WatchReservationDto } from './reservations.dto';
import { ReservationsWatch } from './reservations.watch';

/** `GET /reservations/:id/stream`: a reservation as server-sent events. */
@Controller('reservations')
export class ReservationsStreamController {
  constructor(private readonly watching: ReservationsWatch) {}

  @Get(':id/stream')
  stream(@HttpRequest() request: WatchReservationDto, @Res() reply: FastifyReply): Promise<FastifyReply> {
    return this.watching.stream(reply, request);
  }
}

/** The stream as OpenAPI describes it. */
export const reservationsPages: readonly Page[] = [
  {
    http: 'GET /reservations/:id/stream',
    operationId: 'streamReservation',
    service: 'reservations',
    summary: 'A reservation as server-sent events, whenever it has changed, until it has ended',
    access: 'player',
    endless: true,
    errors: { 404: ['reservation_not_found'], 429: ['rate_limited'] },
    answers: {
      200: {
        description: 'Events: changed with a reservation, done at its end, error',
        contentType: 'text/event-stream',
        schema: z.string(),
        example: 'event: changed\ndata: {"id":"01KAJ0000000000000000000AA","status":"held"}\n\n',
      },
    },
  },
];
