import { createSecretKey } from 'node:crypto';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Clock } from '../../shared/clock/clock';
import { toTime } from '../../shared/clock/time';
import { Config } from '../../shared/config/config';
import { Intake } from './events-gateway.intake';
import { JournalRepository } from './events-gateway.journal.repository';
import { mac } from './events-gateway.signature';

const limitMs = 400;
const groupSize = 50;

/**
 * Runs made-up signed events through verification, parsing, validation and a commit that is rolled back, before the
 * process is ready: the first seconds of a cold engine run at a third of its speed, and requests would feel it.
 */
@Injectable()
export class WarmUp implements OnApplicationBootstrap {
  constructor(
    private readonly intake: Intake,
    private readonly repository: JournalRepository,
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const until = this.clock.monotonic() + limitMs;
    try {
      for (let round = 0; this.clock.monotonic() < until; round++) await this.round(round);
    } catch (error) {
      // Cold is slow, not wrong; without a schema, for one, there is nothing to insert into.
      this.logger.debug({ err: error }, 'warm_up_failed');
    }
  }

  private async round(round: number): Promise<void> {
    const now = this.clock.now();
    const secret = createSecretKey(this.config.hmacKeys[0]?.secret ?? Buffer.alloc(0));
    const events = Array.from({ length: groupSize }, (_, i) => {
      const document = {
        type: 'progression',
        playerId: `warm-up-${i}`,
        occurredAt: toTime(now),
        payload: { deltaXp: 1 },
      };
      const unsigned = {
        id: `warm-up-${round}-${i}`,
        timestamp: Math.floor(now / 1000),
        body: Buffer.from(JSON.stringify(document)),
      };
      const signatures = [mac(secret, unsigned).toString('hex')];
      return this.intake.rehearse({ ...unsigned, keyId: '', signatures });
    });
    await this.repository.rehearse(events);
  }
}
