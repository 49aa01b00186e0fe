import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type { Verdict } from '../../generated/aerie/fairness/v1/fairness';
import { Seldom } from '../../shared/async/seldom';
import { within } from '../../shared/async/within';
import { asInternal } from '../../shared/auth/caller';
import type { AppError } from '../../shared/errors/app-error';
import { unavailable } from '../../shared/errors/common.errors';
import { FairnessApi } from '../fairness/fairness.api';
import { playerBlocked, playerThrottled } from './events-gateway.errors';
import type { GameEvent } from './events-gateway.event';
import { EventsGatewayMetrics } from './events-gateway.metrics';
import { EventsGatewaySettings } from './events-gateway.settings';

const limitMs = 1000;
// With the longest ids they fit into a message between processes.
const sliceSize = 500;
const logEveryMs = 1000;
const nobody: ReadonlyMap<string, AppError> = new Map();

/** Asks fairness who may pass. Fairness that fails or hangs stops nobody, or everybody: FAIRNESS_ON_FAILURE. */
@Injectable()
export class FairnessGate {
  private readonly told = new Seldom(logEveryMs);

  constructor(
    private readonly fairness: FairnessApi,
    private readonly metrics: EventsGatewayMetrics,
    private readonly settings: EventsGatewaySettings,
    private readonly logger: PinoLogger,
  ) {}

  /** The ids of the events that may not pass, and why. Events are judged in their order; ids are distinct. */
  async refused(events: readonly GameEvent[]): Promise<ReadonlyMap<string, AppError>> {
    if (events.length === 0) return nobody;
    if (events.length <= sliceSize) return this.ask(events);
    const refused = new Map<string, AppError>();
    for (let from = 0; from < events.length; from += sliceSize)
      for (const [id, error] of await this.ask(events.slice(from, from + sliceSize))) refused.set(id, error);
    return refused;
  }

  private async ask(events: readonly GameEvent[]): Promise<ReadonlyMap<string, AppError>> {
    const began = performance.now();
    try {
      const { verdicts } = await within(
        asInternal(() => this.fairness.check({ events: events.map(toChecked) })),
        limitMs,
      );
      if (verdicts.length !== events.length) throw new Error(`${events.length} events got ${verdicts.length} verdicts`);
      this.metrics.askedFairness('ok', performance.now() - began);
      return refusals(events, verdicts);
    } catch (error) {
      this.metrics.askedFairness('failed', performance.now() - began);
      return this.withoutAnswer(events, error);
    }
  }

  private withoutAnswer(events: readonly GameEvent[], error: unknown): ReadonlyMap<string, AppError> {
    const { fairnessOnFailure } = this.settings;
    if (this.told.now())
      this.logger.warn({ err: error, count: events.length, on_failure: fairnessOnFailure }, 'fairness_failed');
    if (fairnessOnFailure === 'allow') return nobody;
    const refusal = unavailable(error);
    return new Map(events.map(({ id }) => [id, refusal]));
  }
}

function toChecked({ id, type, playerId, points }: GameEvent) {
  return { eventId: id, type, playerId, points };
}

function refusals(events: readonly GameEvent[], verdicts: readonly Verdict[]): ReadonlyMap<string, AppError> {
  let refused: Map<string, AppError> | undefined;
  for (let i = 0; i < events.length; i += 1) {
    const { decision, retryAfterMs } = verdicts[i] as Verdict;
    if (decision === 'allow') continue;
    refused ??= new Map();
    refused.set((events[i] as GameEvent).id, (decision === 'throttle' ? playerThrottled : playerBlocked)(retryAfterMs));
  }
  return refused ?? nobody;
}
