import { type Jump, maxStepMs, WallWatch } from './wall-watch';

/** Is told of a clock that cannot be believed. */
export interface ClockEvents {
  /** The wall clock has jumped against the monotonic one. */
  readonly jumped: (jump: Jump) => void;
  /** Milliseconds by which the wall clock is ahead of another one, and whether that is too much. */
  readonly compared: (reference: string, ahead: number, apart: boolean) => void;
}

/** Tells the time. Injected, so that a test can set it. */
export abstract class Clock {
  private readonly watch = new WallWatch((jump) => this.events?.jumped(jump));
  private readonly references = new Map<string, boolean>();
  private events: ClockEvents | undefined;

  /** Milliseconds since 1970, UTC. May jump: for dates only. */
  abstract now(): number;
  /** Milliseconds since some fixed instant; never goes backwards: for durations and deadlines. */
  abstract monotonic(): number;

  /**
   * `now`, for what cannot be undone: closing, pruning, letting something expire for good. Undefined while the wall clock
   * cannot be believed: it has jumped by more than a minute and has not run alongside the monotonic one for three minutes
   * since, or differs from a database's by more than a minute.
   */
  sure(): number | undefined {
    const now = this.now();
    return this.watch.look(now, this.monotonic()) && this.agrees ? now : undefined;
  }

  /**
   * `now` without the jumps: while the wall clock cannot be believed, the time by its course before. For stamps that decide
   * something later, and for how long something holds.
   */
  steady(): number {
    return this.watch.steady(this.now(), this.monotonic());
  }

  /** Says that nothing is `sure` until this process has compared itself with that clock. */
  await(reference: string): void {
    if (!this.references.has(reference)) this.references.set(reference, false);
  }

  /** Takes in what another clock showed between `began` and now (both by `now`). */
  compare(reference: string, shown: number, began: number): void {
    const ended = this.now();
    const ahead = Math.round((began + ended) / 2 - shown);
    const apart = Math.abs(ahead) > maxStepMs + Math.abs(ended - began) / 2;
    this.references.set(reference, !apart);
    this.events?.compared(reference, ahead, apart);
  }

  tell(events: ClockEvents): void {
    this.events = events;
  }

  private get agrees(): boolean {
    for (const agrees of this.references.values()) if (!agrees) return false;
    return true;
  }
}
