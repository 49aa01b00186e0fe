import { Injectable } from '@nestjs/common';
import type { CheckedEvent, Verdict } from '../../generated/aerie/fairness/v1/fairness';
import { Clock } from '../../shared/clock/clock';
import { BlockCache } from './fairness.block-cache';
import { type Counted, FairnessCounters } from './fairness.counters';
import { type Block, blockOf, type Findings, type Flag, flagOf } from './fairness.findings';
import { FairnessMetrics } from './fairness.metrics';
import { FairnessRecorder } from './fairness.recorder';
import { RuleCache } from './fairness.rule-cache';
import { capOf, type Rules } from './fairness.rules';

/** One for all allowed events: the hot path makes no object for each. */
const allowed: Verdict = Object.freeze({ decision: 'allow' });

/** One verdict for each event, in order, and the findings that have to be written. */
export interface Judgement extends Findings {
  readonly verdicts: Verdict[];
}

/** The working state of one call. `now`: milliseconds since 1970. */
interface Session {
  readonly now: number;
  readonly rules: Rules;
  readonly beyond: Map<string, Block> | undefined;
  readonly blocks: Block[];
  readonly flags: Flag[];
}

/** Decides who may send what. While nobody is refused and all blocks are in memory, it asks no database. */
@Injectable()
export class FairnessJudge {
  constructor(
    private readonly counters: FairnessCounters,
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
    const judgement = await this.judge(events, beyond);
    await this.recorder.record(judgement);
    this.metrics.checked(performance.now() - began);
    return judgement.verdicts;
  }

  /** `beyond`: blocks that are not in memory. A block that is made here holds at once, also for the rest of `events`. */
  async judge(events: readonly CheckedEvent[], beyond?: Map<string, Block>): Promise<Judgement> {
    const session: Session = {
      now: this.clock.steady(),
      rules: this.rules.current,
      beyond,
      blocks: [],
      flags: [],
    };
    const counting = this.count(events, session);
    // In memory nothing may come between counting and what follows from it.
    const counted = counting instanceof Promise ? await counting : counting;
    const verdicts = new Array<Verdict>(events.length);
    for (let i = 0; i < events.length; i += 1)
      verdicts[i] = this.verdict(events[i] as CheckedEvent, counted[i], session);
    return { verdicts, blocks: session.blocks, flags: session.flags };
  }

  /** Strikes of a player that still count. */
  strikesOf(playerId: string): Promise<number> {
    return this.counters.strikesOf(playerId, this.rules.current.flood);
  }

  /** Forgets the player's strikes. */
  forgive(playerId: string): Promise<void> {
    return this.counters.forgive(playerId);
  }

  /** For each event what counting says of it; nothing for those that will be refused without being counted. */
  private count(
    events: readonly CheckedEvent[],
    session: Session,
  ): readonly (Counted | undefined)[] | Promise<readonly (Counted | undefined)[]> {
    const { flood } = session.rules;
    if (flood.mode === 'off') return [];
    const places: number[] = [];
    const jumped = new Set<string>();
    for (const [i, event] of events.entries()) {
      if (jumped.has(event.playerId) || this.blockOf(event, session)) continue;
      if (this.isJump(event, session)) jumped.add(event.playerId);
      else places.push(i);
    }
    if (places.length === events.length) return this.counters.count(events, flood);
    const counting = this.counters.count(
      places.map((i) => events[i] as CheckedEvent),
      flood,
    );
    const put = (found: readonly Counted[]): (Counted | undefined)[] => {
      const counted = new Array<Counted | undefined>(events.length);
      for (const [i, place] of places.entries()) counted[place] = found[i];
      return counted;
    };
    return counting instanceof Promise ? counting.then(put) : put(counting);
  }

  private isJump({ type, points }: CheckedEvent, { rules: { jump } }: Session): boolean {
    return jump.mode === 'enforce' && points > capOf(jump.thresholds, type);
  }

  private blockOf({ playerId }: CheckedEvent, { now, beyond }: Session): Block | undefined {
    return this.blocks.get(playerId, now) ?? beyond?.get(playerId);
  }

  private verdict(event: CheckedEvent, counted: Counted | undefined, session: Session): Verdict {
    const block = this.blockOf(event, session);
    if (block) return this.blocked(block, session);
    return this.jump(event, session) ?? this.tooFast(event, counted, session) ?? allowed;
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

  private tooFast(event: CheckedEvent, counted: Counted | undefined, session: Session): Verdict | undefined {
    const { mode } = session.rules.flood;
    if (!counted || counted.wait === 0) return undefined;
    this.metrics.decided('flood', 'throttle', mode);
    const blockMs = this.strike(event, counted.strikes, session);
    if (mode === 'shadow') return undefined;
    return { decision: 'throttle', rule: 'flood', retryAfterMs: blockMs ?? Math.max(1, Math.ceil(counted.wait)) };
  }

  /** The length of the block that this strike leads to, in milliseconds. */
  private strike(event: CheckedEvent, count: number, session: Session): number | undefined {
    const { mode, thresholds } = session.rules.flood;
    const { maxEvents, maxStrikes, blockSeconds } = thresholds;
    if (count === 0) return undefined;
    this.metrics.decided('flood', 'flag', mode);
    if (mode === 'enforce') this.flag('flood', event, { observed: maxEvents + 1, threshold: maxEvents }, session);
    if (count < maxStrikes) return undefined;
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
