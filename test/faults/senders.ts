import { Metadata } from '@grpc/grpc-js';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import type { IngestBatchResponse, SignedMessage } from '../../src/generated/aerie/events_gateway/v1/events_gateway';
import { pointsOf, randomEvent, type WholeEvent } from '../support/events';
import { signed } from '../support/signed';
import { GrpcWire, HttpWire, type Outcome } from '../support/wires';

// The event was not accepted, or nobody knows: it is sent again.
const unsettled: readonly unknown[] = ['unavailable', 'deadline_exceeded'];

/** What the senders know: every event they made, and which of them were answered as accepted or duplicate. */
export class Ledger {
  readonly events: WholeEvent[] = [];
  readonly heard = new Set<string>();
  private readonly accepted = new Set<string>();
  readonly surprises: string[] = [];

  constructor(private readonly players: number) {}

  /** A new event, or one that was sent before, so that most are sent several times. */
  draw(): WholeEvent {
    const known = this.events[Math.floor(Math.random() * this.events.length)];
    if (known && Math.random() < 0.6) return known;
    const event = randomEvent(this.players);
    this.events.push(event);
    return event;
  }

  sums(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const event of this.events) sums.set(event.playerId, (sums.get(event.playerId) ?? 0) + pointsOf(event));
    return sums;
  }

  told(id: string, status: string, code?: string): void {
    if (status === 'accepted') {
      // Only what was lost meanwhile is new a second time.
      if (this.accepted.has(id)) this.surprises.push(`${id}: accepted twice`);
      this.accepted.add(id);
    }
    if (status === 'accepted' || status === 'duplicate') this.heard.add(id);
    else if (!unsettled.includes(code)) this.surprises.push(`${id}: ${status} ${code}`);
  }
}

export interface Target {
  readonly url: string;
  readonly grpcAddress: string;
}

type Send = (events: readonly WholeEvent[]) => Promise<void>;

/** Eight clients: single, batch and stream over both wires. Each sends until it is told to stop; a lost answer is nothing. */
export class Senders {
  private readonly http: HttpWire;
  private readonly grpc: GrpcWire;
  private stopped = false;
  private readonly running: Promise<void>[];

  constructor(
    target: Target,
    private readonly ledger: Ledger,
  ) {
    this.http = new HttpWire(target.url);
    this.grpc = new GrpcWire(target.grpcAddress);
    const single = (wire: HttpWire | GrpcWire): Promise<void> => this.repeat(1, (events) => this.single(wire, events));
    const batch = (wire: HttpWire | GrpcWire): Promise<void> => this.repeat(20, (events) => this.batch(wire, events));
    this.running = [
      single(this.http),
      single(this.http),
      single(this.http),
      single(this.grpc),
      batch(this.http),
      batch(this.http),
      batch(this.grpc),
      this.repeat(20, (events) => this.stream(events)),
    ];
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.running);
  }

  /** Every event once more, until each one is answered. */
  async sendAll(): Promise<void> {
    for (let from = 0; from < this.ledger.events.length; from += 200)
      await this.batch(this.http, this.ledger.events.slice(from, from + 200));
  }

  close(): void {
    this.grpc.close();
  }

  private async repeat(size: number, send: Send): Promise<void> {
    while (!this.stopped) {
      const heard = this.ledger.heard.size;
      try {
        await send(Array.from({ length: size }, () => this.ledger.draw()));
      } catch {
        // The server was killed in the middle of it: nothing was heard, so nothing is known.
      }
      // Events that are made up while nobody is there only make the end longer.
      const pauseMs = this.ledger.heard.size > heard ? 5 : 100;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  private async single(wire: HttpWire | GrpcWire, [event]: readonly WholeEvent[]): Promise<void> {
    if (!event) return;
    const { id, ...body } = event;
    const outcome = await wire.call(gateway, 'ingest', signed(id, body));
    if (!gone(outcome)) this.ledger.told(id, String(outcome.body.status), outcome.code);
  }

  private async batch(wire: HttpWire | GrpcWire, events: readonly WholeEvent[]): Promise<void> {
    const outcome = await wire.call(gateway, 'ingestBatch', signed(crypto.randomUUID(), { events }));
    if (gone(outcome)) return;
    if (outcome.code === 'ok') this.tell(outcome.body as unknown as IngestBatchResponse);
    else if (!unsettled.includes(outcome.code)) this.ledger.surprises.push(`batch: ${outcome.code}`);
  }

  private stream(events: readonly WholeEvent[]): Promise<void> {
    const definition = this.grpc.method(gateway, 'ingestStream');
    const call = this.grpc.client.makeBidiStreamRequest(
      definition.path,
      definition.requestSerialize as (message: SignedMessage) => Buffer,
      definition.responseDeserialize as (bytes: Buffer) => IngestBatchResponse,
      new Metadata(),
    );
    return new Promise((resolve, reject) => {
      call.on('data', (answer: IngestBatchResponse) => this.tell(answer));
      call.on('end', resolve);
      call.on('error', reject);
      for (let from = 0; from < events.length; from += 5)
        call.write(signed(crypto.randomUUID(), { events: events.slice(from, from + 5) }));
      call.end();
    });
  }

  private tell({ results, error }: IngestBatchResponse): void {
    if (error && !unsettled.includes(error.code)) this.ledger.surprises.push(`stream: ${error.code}`);
    for (const { eventId, status, error: refused } of results) this.ledger.told(eventId, status, refused?.code);
  }
}

/** The connection broke: grpc-js says so with a status of its own. */
function gone(outcome: Outcome): boolean {
  return outcome.code.startsWith('grpc 14') || outcome.code.startsWith('grpc 1 ');
}
