import { createSecretKey, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Pool } from 'undici';
import type { SignedMessage } from '../../generated/aerie/events_gateway/v1/events_gateway';
import { Clock } from '../../shared/clock/clock';
import { toTime } from '../../shared/clock/time';
import { Config } from '../../shared/config/config';
import { Intake } from './events-gateway.intake';
import { JournalRepository } from './events-gateway.journal.repository';
import { mac } from './events-gateway.signature';

const groupSize = 50;
const connections = 32;

/** Signed events without an effect. */
@Injectable()
export class Rehearsal {
  private readonly secret: KeyObject;

  constructor(
    private readonly intake: Intake,
    private readonly repository: JournalRepository,
    private readonly clock: Clock,
    config: Config,
  ) {
    this.secret = createSecretKey(config.hmacKeys[0]?.secret ?? Buffer.alloc(0));
  }

  /** Verification, parsing, validation, and a commit that is rolled back. */
  async inside(limitMs: number): Promise<void> {
    const until = this.clock.monotonic() + limitMs;
    while (this.clock.monotonic() < until) {
      const events = Array.from({ length: groupSize }, (_, i) => this.intake.rehearse(this.signed(i, 'progression')));
      await this.repository.rehearse(events);
    }
  }

  /** The same through sockets, hooks and routes, up to the schema: of a type that does not exist, nothing is recorded. */
  async overHttp(origin: string, limitMs: number): Promise<void> {
    const until = this.clock.monotonic() + limitMs;
    const pool = new Pool(origin, { connections });
    try {
      await Promise.all(Array.from({ length: connections }, (_, i) => this.post(pool, i, until)));
    } finally {
      await pool.destroy();
    }
  }

  private async post(pool: Pool, place: number, until: number): Promise<void> {
    while (this.clock.monotonic() < until) {
      const { id, timestamp, signatures, body } = this.signed(place, 'rehearsal');
      const headers = {
        'content-type': 'application/json',
        'idempotency-key': id,
        'x-signature': `t=${timestamp},v1=${signatures[0]}`,
      };
      const answer = await pool.request({ method: 'POST', path: '/events', headers, body });
      await answer.body.dump();
    }
  }

  private signed(place: number, type: string): SignedMessage {
    const now = this.clock.now();
    const event = { type, playerId: `rehearsal-${place}`, occurredAt: toTime(now), payload: { deltaXp: 1 } };
    const body = Buffer.from(JSON.stringify(event));
    const unsigned = { id: `rehearsal-${place}`, timestamp: Math.floor(now / 1000), body };
    return { ...unsigned, keyId: '', signatures: [mac(this.secret, unsigned).toString('hex')] };
  }
}
