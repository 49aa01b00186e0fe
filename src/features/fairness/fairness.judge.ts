import { Injectable } from '@nestjs/common';
import type { CheckedEvent, Verdict } from '../../generated/aerie/fairness/v1/fairness';
import { Clock } from '../../shared/clock/clock';
import { BlockCache } from './fairness.block-cache';
import { type Block, blockOf, type Findings, type Flag, flagOf } from './fairness.findings';
import { Flood } from './fairness.flood';
import { FairnessMetrics } from './fairness.metrics';
import { FairnessRecorder } from './fairness.recorder';
import { RuleCache } from './fairness.rule-cache';
import { capOf, type Rules } from './fairness.rules';
import { Strikes } from './fairness.strikes';

/** One for all allowed events: the hot path makes no object for each. */
const allowed: Verdict = Object.freeze({ decision: 'allow' });

/** One verdict for each event, in order, and the findings that have to be written. */
export interface Judgement extends Findings {
  readonly verdicts: Verdict[];
}

/** The working state of one call. `at`: monotonic milliseconds; `now`: milliseconds since 1970. */
interface Session {
  readonly at: number;
  readonly now: number;
  readonly rules: Rules;
  readonly beyond: Map<string, Block> | undefined;
  readonly blocks: Block[];
  readonly flags: Flag[];
}

/** Decides in memory who may send what. While nobody is refused and all blocks are in memory, it asks no database. */
@Injectable()
export class FairnessJudge {
  private readonly flood = new Flood();
  // In shadow mode strikes are counted apart: they must not weigh once the rule is enforced.
  private readonly strikes = { enforce: new Strikes(), shadow: new Strikes() };

  constructor(
    private readonly rules: RuleCache,
    private readonly blocks: BlockCache,
    private readonly recorder: FairnessRecorder,
    private readonly metrics: FairnessMetrics,
    private readonly clock: Clock,
  ) {}

  /**
   * One verdict for each event, in order. A block that is made here is written before it is answered.
   * @throws AppError unavailable while the rules, or blocks that do not fit into memory, cannot be read
   */
  async check(events: readonly CheckedEvent[]): Promise<Verdict[]> {
    const began = performance.now();
    if (!this.rules.loaded) await this.rules.refresh();
    const beyond = this.blocks.whole ? undefined : await this.blocks.beyond(events.map(({ playerId }) => playerId));
    const judgement = this.judge(events, beyond);
    await this.recorder.record(judgement);
    this.metrics.checked(performance.now() - began);
    return judgement.verdicts;
  }

  /** `beyond`: blocks that are not in memory. A block that is made here holds at once, also for the rest of `events`. */
  judge(events: readonly CheckedEvent[], beyond?: Map<string, Block>): Judgement {
    const session: Session = {
      at: this.clock.monotonic(),
      now: this.clock.steady(),
      rules: this.rules.current,
      beyond,
      blocks: [],
      flags: [],
    };
    const verdicts = new Array<Verdict>(events.length);
    for (let i = 0; i < events.length; i += 1) verdicts[i] = this.verdict(events[i] as CheckedEvent, session);
    return { verdicts, blocks: session.blocks, flags: session.flags };
  }

  /** Strikes of a player that still count. */
  strikesOf(playerId: string): number {
    const { strikeWindowSeconds } = this.rules.current.flood.thresholds;
    return this.strikes.enforce.count(playerId, this.clock.monotonic(), strikeWindowSeconds * 1000);
  }

  /** Forgets the player's strikes. */
  forgive(playerId: string): void {
    this.strikes.enforce.forget(playerId);
  }

  /** Frees what no longer counts, also when nobody sends events. */
  sweep(): void {
    this.flood.retire(this.clock.monotonic());
  }

  /** Players of whom something is remembered: in the window, and with strikes. */
  get sizes(): { readonly window: number; readonly strikes: number } {
    return { window: this.flood.size, strikes: this.strikes.enforce.size + this.strikes.shadow.size };
  }

  private verdict(event: CheckedEvent, session: Session): Verdict {
    const block = this.blocks.get(event.playerId, session.now) ?? session.beyond?.get(event.playerId);
    if (block) return this.blocked(block, session);
    return this.jump(event, session) ?? this.tooFast(event, session) ?? allowed;
  }

  private blocked({ rule, blockedUntil }: Block, { now }: Session): Verdict {
    this.metrics.decided(rule, 'refuse', 'enforce');
    return { decision: 'block', rule, retryAfterMs: Math.max(1, blockedUntil - now) };
  }

  private jump(event: CheckedEvent, session: Session): Verdict | undefined {
    const { mode, thresholds } = session.rules.jump;
    if (mode === 'off') return undefined;
    const cap = capOf(thresholds, event.type);
    if (event.points <= cap) return undefined;
    for (const action of ['refuse', 'block', 'flag'] as const) this.metrics.decided('jump', action, mode);
    if (mode === 'shadow') return undefined;
    this.flag('jump', event, { observed: event.points, threshold: cap }, session);
    const retryAfterMs = this.block('jump', event.playerId, thresholds.blockSeconds, session);
    return { decision: 'block', rule: 'jump', retryAfterMs };
  }

  private tooFast(event: CheckedEvent, session: Session): Verdict | undefined {
    const { mode, thresholds } = session.rules.flood;
    if (mode === 'off') return undefined;
    const wait = this.flood.take(event.playerId, event.eventId, session.at, thresholds.maxEvents);
    if (wait === 0) return undefined;
    this.metrics.decided('flood', 'throttle', mode);
    const blockMs = this.strike(event, session);
    if (mode === 'shadow') return undefined;
    return { decision: 'throttle', rule: 'flood', retryAfterMs: blockMs ?? Math.max(1, Math.ceil(wait)) };
  }

  /** The length of the block that this strike leads to, in milliseconds. */
  private strike(event: CheckedEvent, session: Session): number | undefined {
    const { mode, thresholds } = session.rules.flood;
    const strikes = mode === 'shadow' ? this.strikes.shadow : this.strikes.enforce;
    const { maxEvents, maxStrikes, strikeWindowSeconds, blockSeconds } = thresholds;
    const count = strikes.add(event.playerId, session.at, strikeWindowSeconds * 1000);
    if (count === 0) return undefined;
    this.metrics.decided('flood', 'flag', mode);
    if (mode === 'enforce') this.flag('flood', event, { observed: maxEvents + 1, threshold: maxEvents }, session);
    if (count < maxStrikes) return undefined;
    strikes.forget(event.playerId);
    this.metrics.decided('flood', 'block', mode);
    return mode === 'enforce' ? this.block('flood', event.playerId, blockSeconds, session) : undefined;
  }

  private block(rule: 'flood' | 'jump', playerId: string, seconds: number, session: Session): number {
    const block = blockOf(playerId, rule, rule, session.now, seconds);
    this.blocks.put(block);
    session.beyond?.set(playerId, block);
    session.blocks.push(block);
    return seconds * 1000;
  }

  private flag(
    rule: 'flood' | 'jump',
    event: CheckedEvent,
    evidence: Pick<Flag, 'observed' | 'threshold'>,
    session: Session,
  ): void {
    const ruleVersion = session.rules[rule].version;
    session.flags.push(flagOf({ rule, ruleVersion }, event, evidence, session.now));
  }
}
