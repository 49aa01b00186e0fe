import type { PinoLogger } from 'nestjs-pino';
import { pause } from '../async/pause';
import { asInternal } from '../auth/caller';
import { Batcher } from '../batch/batch';
import { AppError } from '../errors/app-error';
import type { Bus, BusMessage, Topic } from './bus';

export interface ConsumerOptions<Body> {
  readonly name: string;
  readonly maxGroup: number;
  readonly idOf: (body: Body) => string;
  /** One transaction with inbox and effect; what the inbox holds already has no second effect. */
  readonly apply: (bodies: readonly Body[], groupId: number) => Promise<void>;
  /** After the COMMIT. */
  readonly confirm: (ids: string[]) => Promise<unknown>;
  /** After the last try. */
  readonly park: (id: string, reason: string) => Promise<unknown>;
  readonly logger: PinoLogger;
}

/** Keeps messages until they are confirmed or parked. */
export interface Custodian {
  confirmEvents(request: { consumer: string; eventIds: string[] }): Promise<unknown>;
  parkEvent(request: { consumer: string; eventId: string; reason: string }): Promise<unknown>;
}

/** Lets a consumer apply what comes on a topic. `apply` and `idOf` as in ConsumerOptions. */
export function consume<Body>(
  bus: Bus,
  topic: Topic<Body>,
  custodian: Custodian,
  options: Omit<ConsumerOptions<Body>, 'confirm' | 'park'>,
): void {
  const { name: consumer, maxGroup } = options;
  const consuming = new Consumer<Body>({
    ...options,
    confirm: (eventIds) => asInternal(() => custodian.confirmEvents({ consumer, eventIds })),
    park: (eventId, reason) => asInternal(() => custodian.parkEvent({ consumer, eventId, reason })),
  });
  bus.subscribe(topic, { consumer, maxGroup }, (messages, closing) => consuming.handle(messages, closing));
}

const maxTries = 5;
const firstPauseMs = 20;
const maxPauseMs = 1000;

/**
 * Applies messages in groups, each exactly once in effect: confirms what is committed, tries again what failed, parks
 * what failed five times. An outage of the database is not counted as a try.
 */
export class Consumer<Body> {
  private readonly batcher: Batcher<Body, true>;

  constructor(private readonly options: ConsumerOptions<Body>) {
    const apply = async (bodies: readonly Body[], groupId: number): Promise<true[]> => {
      await options.apply(bodies, groupId);
      return bodies.map(() => true);
    };
    // The inbox makes applying again harmless, so that is also what finds out about a lost COMMIT.
    this.batcher = new Batcher({
      maxItems: options.maxGroup,
      maxQueued: options.maxGroup * 2,
      commit: apply,
      resolve: apply,
    });
  }

  async handle(messages: readonly BusMessage<Body>[], closing: AbortSignal): Promise<void> {
    let rest = messages.map((message) => message.body);
    let tries = 0;
    for (let attempt = 0; rest.length > 0 && !closing.aborted; attempt++) {
      if (attempt > 0) await pause(Math.min(maxPauseMs, firstPauseMs * 2 ** attempt), closing);
      const { done, failed, outage } = await this.attempt(rest);
      await this.confirm(done);
      if (!outage) tries += 1;
      rest = failed.map(({ body }) => body);
      if (tries < maxTries) continue;
      for (const { body, reason } of failed) await this.park(body, reason);
      return;
    }
  }

  private async attempt(bodies: readonly Body[]) {
    const settled = await this.batcher.submitAll(bodies);
    const done: Body[] = [];
    const failed: { body: Body; reason: unknown }[] = [];
    bodies.forEach((body, i) => {
      const one = settled[i];
      if (one?.status === 'fulfilled') done.push(body);
      else failed.push({ body, reason: one?.reason });
    });
    return {
      done,
      failed,
      outage: failed.some(({ reason }) => reason instanceof AppError && reason.kind === 'unavailable'),
    };
  }

  private async confirm(bodies: readonly Body[]): Promise<void> {
    if (bodies.length === 0) return;
    try {
      await this.options.confirm(bodies.map(this.options.idOf));
    } catch (error) {
      // Unconfirmed, they come again, and the inbox knows them.
      this.options.logger.warn({ err: error, consumer: this.options.name, count: bodies.length }, 'confirm_failed');
    }
  }

  private async park(body: Body, reason: unknown): Promise<void> {
    const { name, logger, idOf } = this.options;
    const message = reason instanceof Error ? reason.message : String(reason);
    logger.error({ err: reason, consumer: name, event_id: idOf(body), tries: maxTries }, 'event_parked');
    try {
      await this.options.park(idOf(body), printable(message));
    } catch (error) {
      // Not parked, it is still pending and comes again.
      logger.warn({ err: error, consumer: name, event_id: idOf(body) }, 'park_failed');
    }
  }
}

function printable(message: string): string {
  return (
    message
      .toWellFormed()
      .replace(/\p{Cc}+/gu, ' ')
      .slice(0, 1000) || 'failed without a message'
  );
}
