import { Agent, request } from 'node:http';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type { SignedMessage } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { Clock } from '../../shared/clock/clock';
import { toTime } from '../../shared/clock/time';
import { Config } from '../../shared/config/config';
import { writeSigned } from '../../shared/contract/signed-call';
import { Lifecycle } from '../../shared/lifecycle/lifecycle';
import { unrecordedParent } from '../../shared/tracing/trace';
import { signedEvent } from './events-gateway.api';
import { EventIntake } from './events-gateway.intake';
import { HmacSha256 } from './events-gateway.mac';
import { mac } from './events-gateway.signature';

const insideMs = 300;
const overHttpMs = 600;
const groupSize = 50;
const connections = 32;

/**
 * Lets made-up events run through everything that a real one meets, before the process is ready: the first seconds of a
 * cold engine run at a third of its speed, and requests would feel it. None of them has an effect.
 */
@Injectable()
export class EventsGatewayWarmUp implements OnModuleInit {
  private readonly key: HmacSha256;

  constructor(
    private readonly intake: EventIntake,
    private readonly lifecycle: Lifecycle,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
    config: Config,
  ) {
    this.key = new HmacSha256(config.hmacKeys[0]?.secret ?? Buffer.alloc(0));
  }

  onModuleInit(): void {
    this.lifecycle.beforeReady((origin) => this.run(origin));
  }

  private async run(origin: string): Promise<void> {
    try {
      await this.inside();
      await this.overHttp(origin);
    } catch (error) {
      // Cold is slow, not wrong; without a schema, for one, there is nothing to insert into.
      this.logger.debug({ err: error }, 'warm_up_failed');
    }
  }

  /** Verification, parsing, validation, and a commit that is rolled back. */
  private async inside(): Promise<void> {
    const until = this.clock.monotonic() + insideMs;
    while (this.clock.monotonic() < until)
      await this.intake.rehearse(Array.from({ length: groupSize }, (_, i) => this.signed(i, 'progression')));
  }

  /** The same through sockets, hooks and routes, up to the schema: of a type that does not exist, nothing is recorded. */
  private async overHttp(origin: string): Promise<void> {
    const until = this.clock.monotonic() + overHttpMs;
    // Not undici: to load it takes longer than all of these requests.
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    // Nobody wants to see them.
    const traceparent = unrecordedParent(this.lifecycle.warmUpTraceId);
    const common = { 'content-type': 'application/json', 'x-trace-id': this.lifecycle.warmUpTraceId, traceparent };
    const post = async (place: number): Promise<void> => {
      while (this.clock.monotonic() < until) {
        const message = this.signed(place, 'rehearsal');
        const headers = { ...common, ...writeSigned(signedEvent, message), 'content-length': message.body.length };
        await new Promise<void>((resolve, reject) => {
          const sent = request(`${origin}/events`, { method: 'POST', agent, headers }, (answer) => {
            answer.resume().once('end', resolve).once('error', reject);
          });
          sent.once('error', reject).end(message.body);
        });
      }
    };
    try {
      await Promise.all(Array.from({ length: connections }, (_, i) => post(i)));
    } finally {
      agent.destroy();
    }
  }

  private signed(place: number, type: string): SignedMessage {
    const now = this.clock.now();
    const event = { type, playerId: `rehearsal-${place}`, occurredAt: toTime(now), payload: { deltaXp: 1 } };
    const body = Buffer.from(JSON.stringify(event));
    const unsigned = { id: `rehearsal-${place}`, timestamp: Math.floor(now / 1000), body };
    return { ...unsigned, keyId: '', signatures: [mac(this.key, unsigned).toString('hex')] };
  }
}
