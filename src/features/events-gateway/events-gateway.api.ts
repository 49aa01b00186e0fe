import type { EventsGatewayService } from '../../generated/aerie/events_gateway/v1/events_gateway';
import type { Contract, WithMeta } from '../../shared/contract/contract';
import type { SignedSpelling } from '../../shared/contract/signed-call';

/** The calls that other features, other processes and the client library may make to the events gateway. */
export abstract class EventsGatewayApi {
  abstract ingest: WithMeta<EventsGatewayService['ingest']>;
  abstract ingestBatch: WithMeta<EventsGatewayService['ingestBatch']>;
  abstract readEvents: EventsGatewayService['readEvents'];
  abstract getHead: EventsGatewayService['getHead'];
  abstract parkEvent: EventsGatewayService['parkEvent'];
  abstract listDeadLetters: EventsGatewayService['listDeadLetters'];
  abstract redriveDeadLetter: EventsGatewayService['redriveDeadLetter'];
  abstract settleDeadLetter: EventsGatewayService['settleDeadLetter'];
}

/** Events, and batches of them, are signed by game servers. */
export const signedEvent: SignedSpelling = {
  id: 'idempotency-key',
  elements: 'x-signature',
  webhooks: ['webhook', 'svix'],
};

export const eventsGatewayContract: Contract<EventsGatewayApi> = {
  name: 'events-gateway',
  token: EventsGatewayApi,
  proto: { package: 'aerie.events_gateway.v1', service: 'EventsGatewayService' },
  routes: {
    ingest: {
      http: 'POST /events',
      access: 'public',
      bodyLimit: 16 * 1024,
      signed: signedEvent,
      retry: true,
      hot: true,
      browsers: false,
      grouped: true,
    },
    ingestBatch: {
      http: 'POST /events/batch',
      access: 'public',
      bodyLimit: 256 * 1024,
      signed: signedEvent,
      retry: true,
      hot: true,
      browsers: false,
      grouped: true,
    },
    readEvents: { http: 'GET /events', access: 'admin', retry: true, grouped: true },
    getHead: { http: 'GET /events/head', access: 'admin', retry: true },
    parkEvent: { http: 'POST /events/dead-letters', access: 'admin', retry: true },
    listDeadLetters: { http: 'GET /events/dead-letters', access: 'admin', retry: true },
    redriveDeadLetter: { http: 'POST /events/dead-letters/:id/redrive', access: 'admin', retry: true },
    settleDeadLetter: { http: 'POST /events/dead-letters/:id/settle', access: 'admin', retry: true },
  },
  // Each message of the stream is signed.
  streams: { ingestStream: 'public' },
};
